"""In which language sentences are said: GNU gettext's catalogues, and the language of who reads.

Code says sentences in English. ``tr`` finds them in the catalogue of the reader's language
(``core/locale``) and fills in their values; what the catalogue lacks is said in English. A sentence
that is made before it is known who reads it, as a constant of a module is, is marked with ``mark``
and translated where it is shown. ``make catalogue`` collects the sentences from the code.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "zh": "简体中文"}
"""Languages by the name that addresses use, each with its own name for itself."""
FOLDERS = {"zh": "zh_CN"}
DOMAIN, LOCALE = "tastelines", Path(__file__).resolve().parent / "locale"
VARIABLES = ("TASTELINES_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""What the environment says, the first that is set counts: gettext's own, after ours."""


def matched(tag: str | None) -> str | None:
    """The language that a tag as ``zh-Hans-CN`` or ``zh_CN.UTF-8`` names; None where it is none.

    Chinese in traditional characters is answered in simplified ones.
    """
    begin = (tag or "").replace("_", "-").partition("-")[0].partition(".")[0].lower()
    return begin if begin in LANGUAGES else None


def of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language that the environment's variables ask for; English where there is none."""
    tag = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    asked = map(matched, tag.split(":"))
    return next((language for language in asked if language is not None), ENGLISH)


_language: ContextVar[str | None] = ContextVar("language", default=None)
_usual = of_environment()
_asked: list[Callable[[], str | None]] = []


def ask_with(ask: Callable[[], str | None]) -> None:
    """Ask ``ask`` who reads what a thread says that was not told: a callback's, a fragment's."""
    _asked[:] = [ask]


def current() -> str:
    """The language of who reads what this thread says: a name of ``LANGUAGES``."""
    return _language.get() or next((ask() for ask in _asked), None) or _usual


def choose(language: str) -> None:
    """Say what follows in this thread in ``language``."""
    _language.set(language if language in LANGUAGES else None)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say what the block says in ``language``."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


_BEGIN, _END, _HAN = "\ue000", "\ue001", "[\u3400-\u9fff]"
_MARKS = re.compile(f"[{_BEGIN}{_END}]")
_MISSED = re.compile(
    f"(?<={_HAN}){_BEGIN}(?=[A-Za-z0-9])|(?<=[A-Za-z0-9]){_END}(?={_HAN})"
    f"|(?<=[A-Za-z0-9]{_END}){_BEGIN}(?={_HAN})|(?<={_HAN}{_END}){_BEGIN}(?=[A-Za-z0-9])"
)
_DROPPED = re.compile(f"(?<={_HAN}) (?={_BEGIN}{_HAN})|(?<={_HAN}{_END}) (?=[{_BEGIN}]?{_HAN})")
_COMMAND, _ORIGINAL = "python -m core", "python -m " + "core"
"""How the command line is called here, and in the catalogues: a wheel has another name for it."""


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    folder = FOLDERS.get(language, language)
    return gettext.translation(DOMAIN, LOCALE, [folder], fallback=True)


def _found(language: str, message: str) -> str:
    catalogue = _catalogue(language)
    found = catalogue.gettext(message)
    if found == message and _COMMAND in message:
        original = message.replace(_COMMAND, _ORIGINAL)
        said = catalogue.gettext(original)
        return said.replace(_ORIGINAL, _COMMAND) if said != original else message
    return found


class _Value(str):
    """A text in a sentence: marks where it begins and ends."""

    def __format__(self, form: str) -> str:
        return super().__format__(form) if form else _BEGIN + self + _END


def _filled(message: str, values: Mapping[str, object]) -> str:
    """A sentence of Chinese with its values; a space where one meets Latin letters or digits, none
    where both are Chinese, as in "Audio 和 Books" and "兴趣和情感"."""
    if not values:
        return message
    known = {
        name: _Value(value) if isinstance(value, str) and "年" not in value else value
        for name, value in values.items()
    }
    text = message.format(**known)
    if _BEGIN not in text:
        return text
    return _MARKS.sub("", _DROPPED.sub("", _MISSED.sub(" ", text)))


def tr(message: str, /, **values: object) -> str:
    """A sentence in the reader's language; ``values`` fill its fields as ``str.format`` does.

    ``message`` is the English sentence as it stands in the code, or a name that was marked.
    Without values braces are braces.
    """
    language = current()
    if language == ENGLISH:
        return message.format(**values) if values else message
    return _filled(_found(language, message), values) if message else message


def trn(one: str, more: str, n: int, /, **values: object) -> str:
    """As ``tr``, in the form that ``n`` things take."""
    language = current()
    if language == ENGLISH:
        message = one if n == 1 else more
        return message.format(**values) if values else message
    return _filled(_catalogue(language).ngettext(one, more, n), values)


def trc(context: str, message: str, /, **values: object) -> str:
    """As ``tr``, for English words that mean two things: ``context`` says which is meant."""
    language = current()
    if language == ENGLISH:
        return message.format(**values) if values else message
    return _filled(_catalogue(language).pgettext(context, message), values)


def mark(message: str, /) -> str:
    """The sentence itself: collected now, said with ``tr`` where somebody reads it."""
    return message


def mark_n(one: str, more: str, /) -> tuple[str, str]:
    """Both forms of a sentence, for ``trn(*forms, n)``."""
    return one, more
