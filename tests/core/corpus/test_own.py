"""A history of somebody who is not in the corpus: read from a file, kept by its content."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus import own
from core.corpus.corpus import Corpus
from core.corpus.own import FOLDER, KEPT, is_own, own_history, read_own, write_own
from core.corpus.own_reading import read_own_file
from core.corpus.store import Library
from core.domain import DomainError, Event, EventKind

START = datetime(2024, 5, 1, tzinfo=UTC)
Row = dict[str, object]


@pytest.fixture(scope="module")
def demo() -> Corpus:
    return Library.open().corpus("demo")


@pytest.fixture
def write(tmp_path: Path, demo: Corpus) -> Callable[..., Path]:
    """A function that writes a CSV of one person, a day between two events."""

    def write(*rows: Row, name: str = "mine.csv", user: str = "me") -> Path:
        columns = ("user_id", "item_id", "timestamp", "kind", "rating", "text", "item_title")
        path = tmp_path / name
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, columns)
            table.writeheader()
            for at, row in enumerate(rows):
                usual = {"user_id": user, "timestamp": (START + timedelta(days=at)).isoformat()}
                title = demo.title(str(row["item_id"]))
                table.writerow({**usual, "kind": "review", "item_title": title, **row})
        return path

    return write


def test_a_file_that_names_nobody_and_no_ids_is_matched_by_title(
    tmp_path: Path, demo: Corpus
) -> None:
    titles = [demo.title(item) for item in demo.item_ids]
    once = [title for title in titles if titles.count(title) == 1][:5]
    path = tmp_path / "watched.csv"
    lines = [f'"{title}",{at + 13}/1/24' for at, title in enumerate(once)]
    path.write_text("\n".join(["Title,Date", *lines, "Of no shop,20/1/24"]))
    reading = read_own_file([path], demo)
    assert [demo.title(event.item_id) for event in reading.history.events[:5]] == once
    assert [item.name for item in reading.unknown if item.taken is None] == ["Of no shop"]
    assert reading.history.events[0].timestamp == datetime(2024, 1, 13, tzinfo=UTC)


def test_known_items_give_a_history_like_a_users(write: Callable[..., Path], demo: Corpus) -> None:
    path = write(
        {"item_id": "BEA-026", "rating": 4, "text": "lovely"}, {"item_id": "OUT-006", "rating": 2}
    )
    reading = read_own_file([path], demo)
    first, second = reading.history.events
    assert (first.item_id, first.rating, first.text) == ("BEA-026", 4.0, "lovely")
    assert (second.item_id, second.timestamp) == ("OUT-006", START + timedelta(days=1))
    assert is_own(reading.history.user_id) and not reading.unknown and reading.known == 2


def test_an_equal_title_is_taken_and_one_like_it_is_a_choice(
    write: Callable[..., Path], demo: Corpus
) -> None:
    title = demo.title("BEA-026")
    path = write(
        {"item_id": "x1", "item_title": title.upper().replace(",", " -"), "text": "lovely"},
        {"item_id": "x2", "item_title": f"{title} (new)", "text": "fine"},
        {"item_id": "x3", "item_title": "ZZZZ", "kind": "view"},
    )
    reading = read_own_file([path], demo)
    by_id = {item.item_id: item for item in reading.unknown}
    assert by_id["x1"].taken == "BEA-026"
    assert by_id["x2"].taken is None and by_id["x2"].choices[0] == "BEA-026"
    assert by_id["x3"].choices == () and by_id["x3"].taken is None
    assert [item.item_id for item in reading.undecided] == ["x2"]
    events = reading.history.events
    assert [e.item_id for e in events] == ["BEA-026", "", ""]
    assert [e.words for e in events] == ["lovely", "fine", "ZZZZ"]  # its name is all that is known
    chosen = read_own_file([path], demo, {"x1": "", "x2": "OUT-006"}).history.events
    assert [e.item_id for e in chosen] == ["", "OUT-006", ""]


def test_what_the_corpus_cannot_have_is_left_out_and_said(
    write: Callable[..., Path], demo: Corpus
) -> None:
    path = write(
        {"item_id": "BEA-026", "rating": 4}, {"item_id": "OUT-006", "rating": 40, "text": "x"}
    )
    reading = read_own_file([path], demo)
    assert [event.rating for event in reading.history.events] == [4.0, None]
    assert reading.notes == ("1 values of rating were left out",)


def test_files_that_are_no_own_history_are_refused(
    write: Callable[..., Path], demo: Corpus, tmp_path: Path
) -> None:
    both = write({"item_id": "BEA-026"}, {"item_id": "OUT-006", "user_id": "you"})
    with pytest.raises(DomainError, match="events of 2 users"):
        read_own_file([both], demo)
    path = write({"item_id": "BEA-026"})
    with pytest.raises(DomainError, match="no unknown item 'y'"):
        read_own_file([path], demo, {"y": "OUT-006"})
    strange = write({"item_id": "y", "item_title": "Y"})
    with pytest.raises(DomainError, match="there is no item 'nothing'"):
        read_own_file([strange], demo, {"y": "nothing"})
    (tmp_path / "words.txt").write_text("hello\nworld\n")
    with pytest.raises(DomainError):
        read_own_file([tmp_path / "words.txt"], demo)


texts = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)
events = st.builds(
    Event,
    st.sampled_from(["BEA-026", "OUT-006", ""]),
    st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(EventKind),
    st.none() | st.floats(1, 5, width=32),
    texts,
    texts,
)


@settings(max_examples=40)
@given(st.lists(events, max_size=6))
def test_what_is_kept_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Event]
) -> None:
    root = tmp_path_factory.getbasetemp() / "kept"
    history = own_history("demo", rows)
    write_own(root, "demo", history, ())
    assert read_own(root, "demo", history.user_id, timed=True) == history
    assert own_history("demo", reversed(rows)).user_id == history.user_id


def test_a_corpus_finds_own_histories_of_its_library_alone(tmp_path: Path) -> None:
    demo = Library.open(tmp_path).corpus("demo")
    history = own_history("demo", [Event("BEA-026", START, EventKind.VIEW)])
    assert not demo.knows(history.user_id)
    with pytest.raises(DomainError, match="not in the library"):
        demo.history(history.user_id)
    write_own(tmp_path, "demo", history, ())
    assert demo.history(history.user_id) == history and demo.knows(history.user_id)
    for foreign in (
        own_history("other", history.events),
        own_history("demo", [Event("gone", START, EventKind.VIEW)]),
    ):
        corpus = "other" if foreign.user_id == own_history("other", history.events).user_id else ""
        write_own(tmp_path, corpus or "demo", foreign, ())
        with pytest.raises(DomainError, match=r"made for the corpus 'other'|there is no item"):
            demo.history(foreign.user_id)


def test_another_content_under_the_name_is_damage(tmp_path: Path) -> None:
    history = own_history("demo", [Event("BEA-026", START, EventKind.VIEW)])
    write_own(tmp_path, "demo", history, ())
    path = tmp_path / FOLDER / f"{history.user_id}.json"
    path.write_text(path.read_text().replace("BEA-026", "OUT-006"))
    with pytest.raises(DomainError, match="damaged"):
        read_own(tmp_path, "demo", history.user_id, timed=True)


def test_the_oldest_go_unless_a_scenario_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "KEPT", 2)
    assert KEPT > 2
    made = [
        own_history("demo", [Event("BEA-026", START + timedelta(days=day), EventKind.VIEW)])
        for day in range(5)
    ]
    for history in made:
        write_own(tmp_path, "demo", history, {made[0].user_id})
    left = {path.stem for path in (tmp_path / FOLDER).iterdir()}
    assert left == {made[at].user_id for at in (0, 3, 4)}
