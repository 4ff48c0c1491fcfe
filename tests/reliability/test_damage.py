"""Any file of a library damaged in any way: a sentence, or the answer it had before.

All combinations with TASTELINES_THOROUGH set, else a sample with a fixed seed.
"""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.corpus.store import PROJECT, Library

SAMPLE = 16
PAGES_SAMPLE = 4
"""Cases of each kind of damage."""
TOLERANCE = 2e-3
"""Between a stored number and the same one computed again, relative."""


Damage = Callable[[Path, random.Random], None]
Ask = Callable[[list[str], Path], tuple[int, Any, str]]
UNCHECKED = ("processor.json", "vectors.sqlite-wal")
"""Files that are made again: a measurement, and a log whose cut end SQLite leaves out."""

DAMAGE = ("Damaged", "damaged", "not measured yet", "Not evaluated yet", "has no card")
"""How pages say that something can't be read; the last three are of what can be made again."""
LEFT_OUT = {("notebook", "events.parquet"), ("notebook", "items.parquet")}
"""Pages that need nothing of a file: there the sidebar leaves the user out without a word."""


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
    kin = [other for other in path.parents[2].rglob(path.name) if other != path]
    kin += [other for other in path.parent.iterdir() if other.is_file() and other != path]
    if kin:
        shutil.copy(chance.choice(sorted(kin)), path)


DAMAGES = (
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
PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("[!_]*.py"))


@pytest.fixture(scope="module")
def place(full_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library to damage is put before each case."""
    return tmp_path_factory.mktemp("damaged") / "library"


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
        "doctor": ["doctor", "--deep"],
    }


@pytest.fixture
def whole(full_library: Path, place: Path, ask: Ask, kept: dict[str, Any]) -> dict[str, Any]:
    """What every verb answers before anything is damaged."""
    if not kept:
        shutil.copytree(full_library, place, dirs_exist_ok=True)
        for name, verb in verbs(full_library, place).items():
            code, kept[name], said = ask(verb, place)
            assert (code, said) == (0, "")
    return kept


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """Answers that all tests of this module share."""
    return {}


@pytest.fixture
def open_page(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """A function that opens a page with query parameters, as tests/pages do."""
    started = PagesManager.__init__

    def start(self: PagesManager, *args: Any, **options: Any) -> None:
        started(self, *args, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", start)
    monkeypatch.setenv("TASTELINES_LIBRARY", str(place))

    def open_page(page: str, **query: str) -> AppTest:
        st.cache_resource.clear()
        app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        return app if page == "pages/overview.py" else app.switch_page(page).run()

    return open_page


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """A function that runs a verb: exit code, what it answered, what it said on stderr."""

    def ask(verb: list[str], root: Path) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = main([*verb, "--library", str(root), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return ask


def same(one: Any, two: Any) -> bool:
    """Whether two answers are the same but for rounding."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float) and isinstance(two, int | float):
        return math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == two)


def cases(
    root: Path, damage: Damage, readers: list[str], thorough: bool, sample: int
) -> Iterator[tuple[str, str, random.Random]]:
    """Combinations of file and verb or page, each with a seed of its own."""
    every = list(product(files_of(root), readers))
    chance = random.Random(damage.__name__)
    chosen = every if thorough else chance.sample(every, min(sample, len(every)))
    for number, (file, reader) in enumerate(chosen):
        yield file, reader, random.Random(f"{damage.__name__} {number}")


def renew(full_library: Path, place: Path) -> None:
    """Put the whole library in its place."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(full_library, place)


def words(app: AppTest) -> list[str]:
    """Everything that a page says, without the escapes of Markdown."""
    said = (str(getattr(element, "value", "")) for element in (*app.main, *app.sidebar))
    return [text.replace("\\", "") for text in said]


def names_damage(now: list[str], before: list[str], file: str) -> bool:
    """Whether a page says what it said before, or something new about the damage."""
    new = " ".join(text for text in now if text not in before)
    return now == before or any(words in new for words in (Path(file).name, *DAMAGE))


@pytest.fixture(scope="module")
def whole_pages() -> dict[str, list[str]]:
    """What pages say before anything is damaged, shared by all tests of this module."""
    return {}


def is_told(verb: str, file: str, code: int, answer: Any, said: str, before: Any) -> bool:
    """Whether a verb answered as before, or said that something is wrong."""
    if "Unexpected" in said:
        return False
    if verb == "doctor":
        return code == 1 or bool(answer["notes"]) or file in UNCHECKED
    if code == 0:
        told = said or answer.get("damaged") or answer.get("cautions")
        return bool(told) or same(answer, before)
    return code == 2 and len(said.strip().splitlines()) >= 1


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_verbs_answer_as_before_or_say_what_is_damaged(
    full_library: Path,
    place: Path,
    whole: dict[str, Any],
    ask: Ask,
    thorough: bool,
    damage: Damage,
) -> None:
    asked, wrong = verbs(full_library, place), []
    for file, verb, chance in cases(full_library, damage, list(asked), thorough, SAMPLE):
        renew(full_library, place)
        before = (place / file).read_bytes()
        damage(place / file, chance)
        if (place / file).is_file() and (place / file).read_bytes() == before:
            continue
        code, answer, said = ask(asked[verb], place)
        if not is_told(verb, file, code, answer, said, whole[verb]):
            wrong.append(f"{verb}, {file}: exit {code}, {said.strip()}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_pages_show_the_same_or_say_what_is_damaged(
    full_library: Path,
    place: Path,
    open_page: Callable[..., AppTest],
    whole_pages: dict[str, list[str]],
    thorough: bool,
    damage: Damage,
) -> None:
    user, wrong = Library.open(full_library).corpus("shop").user_ids[0], []
    for file, page, chance in cases(full_library, damage, PAGES, thorough, PAGES_SAMPLE):
        if page not in whole_pages:
            renew(full_library, place)
            whole_pages[page] = words(open_page(f"pages/{page}.py", corpus="shop", user=user))
        renew(full_library, place)
        if damage is remove and file.startswith("lists/"):
            continue  # nothing else says that there were lists
        if not (place / file).exists():
            continue  # the vectors' log, folded in by work that an earlier page began
        damage(place / file, chance)
        app = open_page(f"pages/{page}.py", corpus="shop", user=user)
        if app.exception:
            wrong.append(f"{page}, {file}: {app.exception[0].value}")
        elif (page, Path(file).name) not in LEFT_OUT and not names_damage(
            words(app), whole_pages[page], file
        ):
            wrong.append(f"{page}, {file}: other words, and nothing about the damage")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)
