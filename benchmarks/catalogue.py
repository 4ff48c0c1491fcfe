"""Which sentences are not in the catalogue, or not in every language.

``python -m benchmarks.catalogue [PATH ...]`` prints them, with their places. ``collect`` brings the
catalogues up to date with the code (``make catalogue``); ``take FILE`` fills in translations from a
JSON object of English sentences and theirs.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from core.language import DOMAIN, FOLDERS, LOCALE

PROJECT = Path(__file__).resolve().parents[1]
SPOKEN = ("core", "pages", "app.py")
KEYWORDS = {
    "tr": ("sentence",),
    "mark": ("sentence",),
    "trn": ("one", "more"),
    "mark_n": ("one", "more"),
    "trc": ("context", "sentence"),
}
"""Functions that say their first arguments, and what those are. Babel's own reading of Python
misses what stands in the fields of an f-string."""
NOT_SPOKEN = {
    "core/language.py": "says nothing itself",
    "core/demo/": "the demo's reviews and names are data",
    "core/corpus/column_names.py": "names of columns in twenty languages",
    "core/corpus/time_words.py": "names of months in twenty languages",
    "core/html_table.py": "is given its words",
}
"""Places whose strings nobody reads as a sentence, and why."""
ONE_WORD = ("pages/", "core/views/", "core/figures/", "app.py")
"""Where a single word that begins with a capital is a label."""
QUIET = "# no sentence"
"""Ends a line whose strings nobody reads as a sentence."""
DEFECTS = frozenset(
    word
    for words in (
        "TypeError ValueError RuntimeError AssertionError KeyError IndexError",
        "NotImplementedError OSError AttributeError EOFError",
    )
    for word in words.split()
)
"""Exceptions for programmers."""
UNREAD = frozenset(
    word
    for words in (
        "compile sub match search fullmatch execute executemany executescript sql query getLogger",
        "exception warning info debug startswith endswith removeprefix removesuffix split",
        "TypeVar NewType ContextVar import_module find_spec getattr hasattr astype encode decode",
        "strftime strptime count Key ParamSpec cast",
    )
    for word in words.split()
)
"""Functions whose strings are no sentences."""
DATA = ("COLUMNS", "TRANSIENT", "CONTENT", "NGINX")
"""Constants of modules that hold no sentences: raw names, reasons for us, headers, files."""
VERBS = "core/cli/"
"""Where the first words of a function that a module's ``VERBS`` names are the help of a verb."""
WORDS = re.compile(r"[A-Za-z][A-Za-z’'-]+")


def sources(paths: Iterable[str] = ()) -> list[Path]:
    """The files that say something."""
    asked = [PROJECT / path for path in paths or SPOKEN]
    found = [file for path in asked for file in ([path] if path.is_file() else path.rglob("*.py"))]
    return sorted(file for file in found if not _name(file).startswith(tuple(NOT_SPOKEN)))


def _name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def outside(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and words of sentences in a file that no catalogue can have."""
    source = path.read_text(encoding="utf-8")
    lines, tree = source.splitlines(), ast.parse(source)
    one_word = _name(path).startswith(ONE_WORD)
    quiet, told = set[int](), set[int]()
    for node in ast.walk(tree):
        for child in _unread(node):
            quiet.update(map(id, ast.walk(child)))
        if isinstance(node, ast.JoinedStr):
            inner = (part for value in node.values for part in _texts(value))
            told.update(map(id, inner))
    for node in ast.walk(tree):
        if id(node) in quiet or id(node) in told:
            continue
        text = _text(node)
        if text is None or not _is_sentence(text, one_word):
            continue
        end = getattr(node, "end_lineno", node.lineno)
        if not any(QUIET in line for line in lines[node.lineno - 1 : end]):
            yield node.lineno, text


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(value.value) if isinstance(value, ast.Constant) else "{}" for value in node.values
        )
    return None


def _texts(value: ast.AST) -> Iterator[ast.AST]:
    """A part of an f-string; what stands inside its fields are strings of their own."""
    yield value
    if isinstance(value, ast.FormattedValue) and value.format_spec is not None:
        yield from ast.walk(value.format_spec)


def _is_sentence(text: str, one_word: bool) -> bool:
    words = WORDS.findall(text)
    if " " in text.strip() and len(words) > 1 and re.search(r"[a-z]{2} |[a-z]{2}: ", text):
        return True
    if "{}" in text and words and " " in text:
        return True
    return one_word and bool(re.fullmatch(r"[A-Z][a-z]+[a-z' …:.?-]*", text))


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def _unread(node: ast.AST) -> Iterator[ast.AST]:
    """What below a node is no sentence: docstrings, defects, patterns, queries, keys."""
    body = getattr(node, "body", None)
    for statement in body if isinstance(body, list) else ():
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            yield statement.value
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        if _called(node.exc) in DEFECTS:
            yield node.exc
    elif isinstance(node, ast.Assert):
        yield node
    elif isinstance(node, ast.Call) and _called(node) in KEYWORDS:
        yield from (each for each in node.args if isinstance(each, ast.Constant))
    elif isinstance(node, ast.Call) and _called(node) in UNREAD:
        yield from node.args
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (key for key, value in pairs if key is not None and _is_marked_pair(value))
    elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DATA:
        yield node.value
    elif isinstance(node, ast.Subscript):
        yield node.slice
    elif (
        isinstance(node, ast.arg | ast.AnnAssign)
        and node.annotation is not None
        and not any(getattr(part, "id", "") == "typer" for part in ast.walk(node.annotation))
    ):
        yield node.annotation


def _is_marked_pair(value: ast.AST) -> bool:
    return isinstance(value, ast.Call) and _called(value) == "mark_n"


def collected(paths: Iterable[str] = ()) -> Catalog:
    """All sentences of the code, with their places."""
    catalogue = Catalog(project="Tastelines", charset="utf-8", fuzzy=False)
    for path in sources(paths):
        for said, context in _said(path):
            catalogue.add(said, locations=[(_name(path), 0)], context=context)
    return catalogue


@cache
def _said(path: Path) -> list[tuple[str | tuple[str, ...], str | None]]:
    """The sentences of a file, each with its context."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = [
        words
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        for words in _words(node.func.id, node.args)
    ]
    if _name(path).startswith(VERBS):
        said += [(help, None) for help in _helps(tree)]
    return said


def _helps(tree: ast.Module) -> Iterator[str]:
    """What the help says of the verbs of a module: their docstrings."""
    named = {
        node.id
        for each in tree.body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "VERBS"
        for node in ast.walk(each.value)
        if isinstance(node, ast.Name)
    }
    for each in tree.body:
        if isinstance(each, ast.FunctionDef) and each.name in named:
            yield ast.get_docstring(each) or ""


def _words(
    called: str, arguments: list[ast.expr]
) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """What a call says and its context, where it is one of those that say something literal."""
    words = [each.value if isinstance(each, ast.Constant) else None for each in arguments[:2]]
    said = words[: len(KEYWORDS.get(called, ()))]
    if not said or not all(isinstance(word, str) for word in said):
        return
    if called == "trc":
        yield said[1], said[0]
    else:
        yield said[0] if len(said) == 1 else tuple(said), None


def catalogue_path(language: str) -> Path:
    """Where a language's translations stand."""
    return LOCALE / FOLDERS.get(language, language) / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """The translations that there are."""
    path = catalogue_path(language)
    if not path.is_file():
        return Catalog(locale=FOLDERS.get(language, language), project="Tastelines")
    with path.open("rb") as file:
        return read_po(file, locale=FOLDERS.get(language, language))


def collect(language: str) -> Catalog:
    """The translations of what the code says now; what it no longer says is dropped."""
    known, now = read(language), collected()
    now.locale = FOLDERS.get(language, language)
    for message in now:
        before = known.get(message.id, message.context) if message.id else None
        if before is not None and before.string and before.id == message.id:
            message.string = before.string
    return now


def files_of(language: str, catalogue: Catalog) -> dict[str, bytes]:
    """The files of a catalogue by their names: for people, and for gettext."""
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    for_people, for_gettext = io.BytesIO(), io.BytesIO()
    write_po(for_people, catalogue, width=100, sort_output=True)
    write_mo(for_gettext, catalogue)
    name = catalogue_path(language)
    return {
        name.name: for_people.getvalue(),
        name.with_suffix(".mo").name: for_gettext.getvalue(),
    }


def write(language: str, catalogue: Catalog) -> None:
    """Store translations."""
    folder = catalogue_path(language).parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files_of(language, catalogue).items():
        (folder / name).write_bytes(content)


def take(language: str, file: Path) -> None:
    """Fill in translations: English to the other; of sentences with two forms, the first is named.

    A sentence with a context is named ``context|sentence``.
    """
    given = json.loads(file.read_text(encoding="utf-8"))
    catalogue = collect(language)
    for message in catalogue:
        one = message.id[0] if isinstance(message.id, tuple) else message.id
        name = f"{message.context}|{one}" if message.context else one
        if one and name in given:
            said = given[name]
            message.string = (said,) if isinstance(message.id, tuple) else said
    write(language, catalogue)


def problems(language: str, paths: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Sentences without a translation, or with other fields than theirs, and what is wrong."""
    known = read(language)
    for message in collected(paths):
        if not message.id:
            continue
        forms = message.id if isinstance(message.id, tuple) else (message.id,)
        found = known.get(message.id, message.context)
        said = found.string if found is not None else ""
        texts = said if isinstance(said, tuple) else (said,)
        if not all(texts):
            yield forms[0], "not translated"
        elif not all(_fields(text) <= _fields(forms[-1]) for text in texts):
            yield forms[0], f"fields differ: {texts[0]}"


def _fields(text: str) -> set[str]:
    try:
        return {name.split(".")[0] for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}


def main() -> int:
    """Print what is missing; the exit code says whether anything is."""
    verb, *rest = sys.argv[1:] or [""]
    if verb == "collect":
        for language in FOLDERS:
            write(language, collect(language))
        return 0
    if verb == "take":
        take("zh", Path(rest[0]))
        return 0
    paths, missing = sys.argv[1:], 0
    for path in sources(paths):
        for line, text in outside(path):
            print(f"{_name(path)}:{line}: outside the catalogue: {text!r}")
            missing += 1
    for language in FOLDERS:
        for sentence, problem in problems(language, paths):
            print(f"{language}: {problem}: {sentence!r}")
            missing += 1
    print(f"{missing} missing")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
