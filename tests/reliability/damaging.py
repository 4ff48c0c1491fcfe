"""Damage done to files of a library, and how a verb or a page must answer about it.

``test_damage.py`` tries a sample, ``benchmarks/damage.py`` every file with every verb and page.
"""

from __future__ import annotations

import io
import json
import math
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core import jobs
from core.cli import main
from core.corpus.store import Library
from core.files import read_only_address
from core.home import PROJECT
from pages._shared import working

TOLERANCE = 2e-3
"""Between a stored number and the same one computed again, relative."""


Damage = Callable[[Path, random.Random], None]
UNCHECKED = ("processor.json", "vectors.sqlite-wal", "names.json")
"""Files that are made again: a measurement, a log whose end SQLite leaves out, derived names."""
UNNAMED = (
    "lists/",
    "evaluations/",
    "turnover/",
    "turns/",
    "tuning/",
    "own/",
    "drafts/",
    "states/",
    "cohort_what_ifs/",
)
"""Folders whose files no other file names: taking one away is how a person deletes it."""
DAMAGE = ("Damaged", "damaged", "was changed after", "has no card", "can't be read", "is missing")
"""How pages say that something can't be read."""


def truncate(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data)) if data else 0])


def empty(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes() or b"\0")
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def overwrite(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes() or b"\0" * 64)
    start = chance.randrange(len(data))
    data[start : start + 64] = chance.randbytes(64)
    path.write_bytes(data)


def change_a_digit(path: Path, chance: random.Random) -> None:
    """Valid JSON and valid numbers stay so."""
    data = bytearray(path.read_bytes())
    places = [at for at, byte in enumerate(data) if byte in b"0123456789"]
    if places:
        at = chance.choice(places)
        data[at] = ord(str((int(chr(data[at])) + chance.randrange(1, 9)) % 9 + 1))
    path.write_bytes(data)


def nest_deeply(path: Path, chance: random.Random) -> None:
    path.write_bytes(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def remove(path: Path, chance: random.Random) -> None:
    path.unlink()


def make_a_folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def exchange(path: Path, chance: random.Random) -> None:
    """The file of another model or corpus, or one of its neighbours."""
    root = next(folder for folder in path.parents if (folder / "corpora").is_dir())
    kin = [other for other in root.rglob(path.name) if other != path and other.is_file()]
    kin += [other for other in path.parent.iterdir() if other.is_file() and other != path]
    if kin:
        shutil.copy(chance.choice(sorted(kin)), path)


DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        truncate,
        empty,
        flip_a_bit,
        overwrite,
        change_a_digit,
        nest_deeply,
        remove,
        make_a_folder,
        exchange,
    )
}
PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("[!_]*.py"))


def files_of(root: Path) -> list[str]:
    """Every file that a verb or a page may read."""
    names = (
        path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file()
    )
    mine = ("capsule.json", "edits.json")
    return [name for name in names if name not in mine and not name.endswith((".lock", "-shm"))]


def verbs(whole: Path, root: Path) -> dict[str, list[str]]:
    """What is asked about the library in ``root``, named by the whole one."""
    corpus = Library.open(whole).corpus("shop")
    user, item = corpus.user_ids[0], corpus.item_ids[3]
    about = ["shop", "--user", user]
    own = next(path.stem for path in (whole / "own").iterdir())
    return {
        "corpora": ["corpora"],
        "models": ["models", "shop"],
        "users": ["users", "shop"],
        "trajectory": ["trajectory", *about],
        "recommend": ["recommend", *about],
        "recommend by ease": ["recommend", *about, "--recommender", "ease"],
        "explain": ["explain", *about, "--item", item, "--words", "none"],
        "whatif": ["whatif", *about, "--edits", str(root / "edits.json")],
        "compare": ["compare", *about, "--at", "2", "--at", "6"],
        "compare with lists": [
            *("compare", "shop", "--column", f"user={user},recommender=production"),
            *("--column", f"user={user}"),
        ],
        "replay": ["replay", str(root / "capsule.json")],
        "evaluate": ["evaluate", "shop"],
        "evaluate 5": ["evaluate", "shop", "--k", "5"],
        "turnover": ["turnover", "shop"],
        "turns": ["turns", "shop"],
        "monitor": ["monitor", "shop"],
        "strategy": ["strategy", "shop"],
        "recommend by a strategy": ["recommend", *about, "--recommender", "diverse"],
        "cohort": ["cohort", "shop", "--name", "busy"],
        "cohort by an attribute": ["cohort", "shop", "--rule", "is:city=Lyon"],
        "what-if of a cohort": ["whatif", "shop", "--name", "shorter"],
        "recommend to an own history": ["recommend", "shop", "--user", own],
        "doctor": ["doctor", "--deep"],
    }


def ask(verb: list[str], root: Path) -> tuple[int, Any, str]:
    """Run a verb: exit code, what it answered, what it said on stderr."""
    out, said = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(said):
        code = main([*verb, "--library", str(root), "--json"])
    return code, json.loads(out.getvalue()) if out.getvalue() else None, said.getvalue()


def drive_pages(root: Path) -> None:
    """Let ``open_page`` read the library in ``root``, for the rest of this process."""
    started = PagesManager.__init__

    def start(self: PagesManager, *args: Any, **options: Any) -> None:
        started(self, *args, **options)
        PagesManager.uses_pages_directory = False

    PagesManager.__init__ = start  # type: ignore[method-assign]
    # Each run of AppTest reads the metadata of all installed packages: half of its time.
    found = manifest_scanner.scan_component_manifests()
    manifest_scanner.scan_component_manifests = lambda *_: found  # type: ignore[assignment]
    working.PATIENCE = 60.0  # a page waits for what a busy machine does slowly
    os.environ["TASTELINES_LIBRARY"] = str(root)


def open_page(page: str, **query: str) -> AppTest:
    """Open a page with query parameters; no earlier page's job, slow on a busy machine, is seen."""
    st.cache_resource.clear()
    for job in jobs.jobs():
        jobs.wait_for(job, 60)
        job.put_away()
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    return app if page == "pages/overview.py" else app.switch_page(page).run()


def same(one: Any, two: Any) -> bool:
    """Whether two answers are the same but for rounding."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float) and isinstance(two, int | float):
        return math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == two)


def renew(whole: Path, place: Path) -> None:
    """Put the whole library in its place; nothing is left in the spare one."""
    spare = Library(place).places(place / "any")[1:]
    for folder in (place, *(path.parent for path in spare)):
        while folder.exists():  # work that an earlier page began may still write
            shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, place)


def words(app: AppTest) -> list[str]:
    """Everything that a page says, without the escapes of Markdown."""
    said = (str(getattr(element, "value", "")) for element in (*app.main, *app.sidebar))
    return [text.replace("\\", "") for text in said]


def names_damage(now: list[str], before: list[str], file: str) -> bool:
    """Whether a page says what it said before, or something new about the damage."""
    new = " ".join(text for text in now if text not in before)
    return now == before or any(words in new for words in (Path(file).name, *DAMAGE))


def is_told(verb: str, file: str, code: int, answer: Any, said: str, before: Any) -> bool:
    """Whether a verb answered as before, or said that something is wrong."""
    if "Unexpected" in said:
        return False
    if verb == "doctor":
        return code == 1 or bool(answer["notes"]) or file.endswith(UNCHECKED)
    if verb == "replay" and code == 1:  # by another model, or not the same list
        return bool(said) or bool(answer["differences"])
    if code == 0:
        told = said or answer.get("damaged") or answer.get("cautions")
        notes = " ".join(answer["notes"]) if verb == "monitor" else ""
        noted = any(word in notes for word in DAMAGE)
        return bool(told) or noted or same(answer, before)
    return code == 2 and len(said.strip().splitlines()) >= 1


@dataclass(frozen=True)
class Case:
    """A file damaged in one way, and the verb or page that then reads the library."""

    damage: str
    file: str
    reader: str

    def do(self, place: Path) -> bool:
        """Damage the library in ``place``; whether anything changed."""
        path = place / self.file
        try:
            before = path.read_bytes()
            DAMAGES[self.damage](path, random.Random(f"{self.damage} {self.file} {self.reader}"))
        except FileNotFoundError:  # the vectors' log, folded in by work that was begun earlier
            return False
        return not path.is_file() or path.read_bytes() != before

    def is_not_known(self, place: Path, whole: Path) -> bool:
        """Whether nothing can tell: a file is gone that no other one names, or the rows of SQLite
        or of lists are the same, since what changed is not in use. ``doctor`` sees removed lists by
        their refused rows.
        """
        if self.damage == "remove":
            if self.reader == "doctor" and self.file.startswith("lists/"):
                return False
            return self.file.startswith(UNNAMED) or self.file.endswith(("current.json", ".sqlite"))
        if self.file.endswith(".parquet") and self.file.startswith("lists/"):
            return lists(place / self.file) == lists(whole / self.file)
        return self.file.endswith(".sqlite") and rows(place / self.file) == rows(whole / self.file)


@dataclass(frozen=True)
class Fault:
    """What went wrong: ``unexpected`` (a traceback, exit 1) or ``silent`` (other, unsaid)."""

    kind: str
    said: str


def rows(path: Path) -> list[str] | None:
    """All that a SQLite file holds, as statements; None where it can't be read."""
    try:
        with closing(sqlite3.connect(read_only_address(path), uri=True)) as connection:
            return list(connection.iterdump())
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def lists(path: Path) -> tuple[object, ...] | None:
    """Rows and facts of imported lists, which are held to their content; None if unreadable."""
    with suppress(OSError, ValueError, KeyError, pa.ArrowException):
        table = pq.read_table(path)
        return table.to_pydict(), table.schema.metadata
    return None


def every_case(whole: Path, readers: list[str]) -> list[Case]:
    """All damages of all files, read by all."""
    return [Case(*each) for each in product(DAMAGES, files_of(whole), readers)]


class Verbs:
    """Verbs asked about damaged copies of a library, against their answers about the whole one."""

    def __init__(self, whole: Path, place: Path) -> None:
        self.whole, self.place, self.asked = whole, place, verbs(whole, place)
        self.before: dict[str, Any] = {}
        renew(whole, place)
        for name, verb in self.asked.items():
            code, self.before[name], said = ask(verb, place)
            assert (code, said) == (0, ""), (name, said)

    def fault(self, case: Case) -> Fault | None:
        """What is wrong in a case, if anything is."""
        renew(self.whole, self.place)
        if not case.do(self.place) or case.is_not_known(self.place, self.whole):
            return None
        code, answer, said = ask(self.asked[case.reader], self.place)
        before = self.before[case.reader]
        if is_told(case.reader, case.file, code, answer, said, before):
            return None
        unexpected = "Unexpected" in said or code not in (0, 2)
        return Fault("unexpected" if unexpected else "silent", f"exit {code}, {said.strip()}")


class Pages:
    """The same for pages; they run in this process, which reads ``place`` from now on."""

    def __init__(self, whole: Path, place: Path) -> None:
        self.whole, self.place = whole, place
        self.user = Library.open(whole).corpus("shop").user_ids[0]
        self.before: dict[str, list[str]] = {}

    def open(self, page: str) -> AppTest:
        """A page about the shop's first user."""
        return open_page(f"pages/{page}.py", corpus="shop", user=self.user)

    def fault(self, case: Case) -> Fault | None:
        """What is wrong in a case, if anything is."""
        page = case.reader
        if page not in self.before:
            renew(self.whole, self.place)
            self.before[page] = words(self.open(page))
        renew(self.whole, self.place)
        if not (self.place / case.file).exists():
            return None  # the vectors' log, folded in by work that an earlier page began
        if not case.do(self.place) or case.is_not_known(self.place, self.whole):
            return None
        app = self.open(page)
        if app.exception:
            return Fault("unexpected", str(app.exception[0].value))
        if names_damage(words(app), self.before[page], case.file):
            return None
        return Fault("silent", "other words, and nothing about the damage")
