"""Who acts, and what they may do: viewers read and keep what is their own, editors do everything.

Work asks where it begins (``need_editor``, ``need_owner``), not the button that starts it. A server
with sign-in says by ``ask_with`` who a session is; a job goes on as whoever started it. Roles are
in ``access.toml``, in the library or where $TASTELINES_ACCESS points; without sign-in everybody is
an editor, or a viewer where $TASTELINES_READ_ONLY is set.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from core.domain import DomainError
from core.language import tr

READ_ONLY, ACCESS = "TASTELINES_READ_ONLY", "TASTELINES_ACCESS"
SECRETS = "TASTELINES_SECRETS"
FILE, SECRETS_FILE = "access.toml", "~/.config/tastelines/secrets.toml"
LARGEST, MOST, LONGEST = 1_000_000, 10_000, 320
"""Bytes of the file, entries of one of its lists, characters of one of them."""
HOURS = 12.0
"""How long a sign-in lasts unless the file says otherwise."""
OFF = ("", "0", "false", "no", "off")
EMAIL = re.compile(r"[^@\s:]+@[^@\s]+")


class Role(StrEnum):
    """What somebody may do; each may do what the ones before it may."""

    STRANGER = "stranger"
    """Nothing: not signed in, signed in too long ago, or in no list."""
    VIEWER = "viewer"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``name`` is the person's e-mail or provider and id; empty without sign-in."""

    role: Role
    name: str = ""

    @property
    def is_editor(self) -> bool:
        """Whether everything is allowed."""
        return self.role is Role.EDITOR


EVERYTHING = Actor(Role.EDITOR)
NOTHING = Actor(Role.STRANGER)
_ITSELF = Actor(Role.EDITOR)


class Refused(DomainError):
    """The one who acts may not do this."""


def is_read_only() -> bool:
    """Whether $TASTELINES_READ_ONLY makes everybody a viewer."""
    return os.environ.get(READ_ONLY, "").strip().lower() not in OFF


def without_sign_in() -> Actor:
    """Who acts where nobody signs in: the command line, and a server without sign-in."""
    return Actor(Role.VIEWER) if is_read_only() else EVERYTHING


_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_ask: Callable[[], Actor] = without_sign_in


def ask_with(ask: Callable[[], Actor]) -> None:
    """Let ``ask`` say who acts, where ``acting`` doesn't; for a server's start."""
    global _ask
    _ask = ask


def current() -> Actor:
    """Who acts now; where everything is read-only, viewers without a name to keep things under."""
    actor = _acting.get() or _ask()
    if actor is _ITSELF:
        return EVERYTHING
    return Actor(Role.VIEWER) if is_read_only() and actor.role is not Role.STRANGER else actor


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Act as somebody in this thread."""
    before = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(before)


@contextmanager
def in_scratch() -> Iterator[None]:
    """Allow everything in this thread, read-only too: for a library of the app's own that goes."""
    with acting(_ITSELF):
        yield


def may_edit() -> bool:
    """Whether who acts is an editor; for what a page offers."""
    return current().is_editor


def need_editor(what: str) -> None:
    """``Refused`` for all but editors; ``what`` says what they wanted, such as "importing".

    That is marked, or in the reader's language.
    """
    actor = current()
    if not actor.is_editor:
        raise _refused(actor, tr("{what} is for editors", what=tr(what)))


def need_owner(what: str, owner: str) -> None:
    """``Refused`` unless who acts is an editor, or ``owner`` by name."""
    actor = current()
    if actor.is_editor or (actor.role is Role.VIEWER and actor.name and actor.name == owner):
        return
    what = tr(what)
    problem = tr("{what} is for editors", what=what)
    if owner:
        problem = tr("{what} is for editors and for {owner}", what=what, owner=owner)
    if actor.role is Role.VIEWER and not actor.name:
        problem = tr("{what} needs a name to keep it under", what=what)
    raise _refused(actor, problem)


def need_reader() -> None:
    """``Refused`` for a stranger."""
    actor = current()
    if actor.role is Role.STRANGER:
        raise _refused(actor, tr("the library is for those who are signed in"))


def _refused(actor: Actor, problem: str) -> Refused:
    if actor.role is Role.STRANGER:
        named = actor.name
        who = tr("{name}, who is in no list", name=named) if named else tr("not signed in")
        remedy = tr("Sign in again, or ask an editor to let you in")
        return Refused(problem, where=who, remedy=remedy)
    if is_read_only():
        remedy = tr("Start it without {variable} to change the library", variable=READ_ONLY)
        return Refused(problem, where=tr("read-only"), remedy=remedy)
    who = tr("{name} is a viewer", name=actor.name) if actor.name else tr("viewer")
    remedy = tr("Ask whoever keeps {file} for the role editor", file=FILE)
    return Refused(problem, where=who, remedy=remedy)


def _email(value: str) -> str:
    if not EMAIL.fullmatch(value):
        raise ValueError("not an e-mail address")
    return _ascii(value)


def _domain(value: str) -> str:
    if not re.fullmatch(r"[^@\s*]+\.[^@\s*.]+", value):
        raise ValueError("not a domain such as example.com")
    return _ascii(value)


def _ascii(value: str) -> str:
    """Lower case; other letters than ASCII's look and fold like those of other addresses."""
    if not value.isascii():
        raise ValueError("letters beyond ASCII; write such domains as xn--")
    return value.lower()


Word = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class People(BaseModel):
    """Who has a role: any one of these is enough."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    emails: Annotated[list[Annotated[Word, AfterValidator(_email)]], Field(max_length=MOST)] = []
    domains: Annotated[list[Annotated[Word, AfterValidator(_domain)]], Field(max_length=MOST)] = []
    claims: Annotated[dict[Word, Annotated[list[Word], Field(max_length=MOST)]], Field()] = {}
    """Values by the claim that must hold one of them; dots lead into it (realm_access.roles)."""

    def hold(self, facts: Mapping[str, Any]) -> bool:
        """Whether the claims of a token are of one of them."""
        email = email_of(facts)
        if email and (email in self.emails or email.rpartition("@")[2] in self.domains):
            return True
        return any(
            set(values) & set(_values(_claim(facts, name))) for name, values in self.claims.items()
        )


class Access(BaseModel):
    """The content of ``access.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    hours: Annotated[float, Field(gt=0, le=24 * 30, allow_inf_nan=False)] = HOURS
    """How long a sign-in lasts."""
    issuers: Annotated[list[Word], Field(max_length=MOST)] = []
    """The claim ``iss`` must be one of them; any where there is none."""
    editors: People = People()
    viewers: People = People()

    def actor(self, facts: Mapping[str, Any]) -> Actor:
        """Who the claims of a token say that somebody is."""
        name = email_of(facts) or _subject(facts)
        if self.issuers and facts.get("iss") not in self.issuers:
            return Actor(Role.STRANGER, name)
        if name and self.editors.hold(facts):
            return Actor(Role.EDITOR, name)
        if name and self.viewers.hold(facts):
            return Actor(Role.VIEWER, name)
        return Actor(Role.STRANGER, name)

    def is_over(self, facts: Mapping[str, Any], now: float) -> bool:
        """Whether a sign-in has ended; ``now`` in seconds since 1970. One without a time has."""
        began = facts.get("iat")
        if isinstance(began, bool) or not isinstance(began, int | float):
            return True
        return not now < began + self.hours * 3600


def email_of(facts: Mapping[str, Any]) -> str:
    """The e-mail of a token in lower case; empty where there is none or the provider doubts it."""
    email, verified = facts.get("email"), facts.get("email_verified", True)
    if not isinstance(email, str) or str(verified).lower() != "true":
        return ""
    is_one = len(email) <= LONGEST and email.isascii() and EMAIL.fullmatch(email)
    return email.lower() if is_one else ""


def _subject(facts: Mapping[str, Any]) -> str:
    """The provider and its id for somebody, which is nobody's e-mail; empty where one is odd."""
    subject, issuer = facts.get("sub"), facts.get("iss")
    for word in (subject, issuer):
        if not isinstance(word, str) or not re.fullmatch(r"[!-~]{1,255}", word):
            return ""
    return f"sub:{issuer}#{subject}"


def _claim(facts: Mapping[str, Any], name: str) -> object:
    if name in facts:
        return facts[name]
    value: object = facts
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _values(claim: object) -> list[str]:
    """The words of a claim: a list has several, a text is one."""
    several = claim if isinstance(claim, list | tuple) else [claim]
    return [value for value in several if isinstance(value, str)]


def access_file(root: Path) -> Path:
    """Where the roles of the library at ``root`` are; DomainError for nobody's home folder."""
    return _place(ACCESS, str(root / FILE))


def secrets_file() -> Path:
    """Where sign-in is set up; DomainError for nobody's home folder."""
    return _place(SECRETS, SECRETS_FILE).absolute()


def _place(variable: str, usual: str) -> Path:
    path = Path(os.environ.get(variable) or usual)
    try:
        return path.expanduser()
    except RuntimeError:
        raise DomainError(
            tr("there is no such home folder"),
            where=repr(str(path)),
            remedy=tr("Set {variable} to a path that begins with /", variable=variable),
        ) from None


def read_access(root: Path) -> Access:
    """Who may do what in the library at ``root``; DomainError where that can't be read."""
    path = access_file(root)
    try:
        facts = path.stat()
        return _read(path, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
    except FileNotFoundError:
        problem = tr("nobody has a role yet: there is no file of roles")
        remedy = tr("Write one with [editors] and [viewers], as docs/team.md shows")
    except OSError as error:
        problem = tr("the file of roles can't be read: {reason}", reason=error.strerror)
        remedy = tr("Give it read rights")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        place = place[:80] if place.isprintable() else repr(place[:80])
        reason = first["msg"].lower()
        problem = tr("the file of roles is wrong at {place}: {reason}", place=place, reason=reason)
        remedy = tr("Put it right as docs/team.md shows; until then nobody gets in")
    except (ValueError, OverflowError, RecursionError) as error:
        reason = (str(error) or tr("nested too deeply"))[:120]
        problem = tr("the file of roles is damaged: {reason}", reason=reason)
        remedy = tr("Put it right as docs/team.md shows; until then nobody gets in")
    raise DomainError(problem, where=str(path), remedy=remedy)


@lru_cache(4)
def _read(path: Path, size: int, *changed: int) -> Access:
    if size > LARGEST:
        raise ValueError(f"{size:,} bytes are more than {LARGEST:,}")
    facts = tomllib.loads(path.read_bytes()[: LARGEST + 1].decode("utf-8"))
    if isinstance(hours := facts.get("hours"), int) and not isinstance(hours, bool):
        facts["hours"] = float(hours)
    return Access.model_validate(facts)
