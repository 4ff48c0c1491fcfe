from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.importing import import_files
from core.corpus.store import Library, save_corpus
from core.domain import Columns, DomainError, order_events
from core.files import SUMS, Damaged, verify, write_sums

CREATED = datetime(2024, 1, 1, tzinfo=UTC)
IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=3)
EVENT = st.tuples(
    st.sampled_from(["ann", "bob", "çyd", "好"]),
    IDS,
    st.integers(0, 3),
    st.sampled_from(["view", "rating", "review"]),
    st.one_of(st.none(), st.integers(1, 5)),
    st.one_of(st.none(), st.sampled_from(["", "good", "bad", "好"])),
)


def frames(events: list[tuple[Any, ...]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        (user, item, CREATED + pd.Timedelta(days=day), kind, rating, None, text or None)
        for user, item, day, kind, rating, text in events
    ]
    frame = pd.DataFrame(rows, columns=list(Columns.EVENTS)).astype({Columns.Rating: "float32"})
    frame[Columns.Time] = pd.to_datetime(frame[Columns.Time], utc=True).astype(
        "datetime64[us, UTC]"
    )
    items = pd.DataFrame(dict.fromkeys(Columns.ITEMS), index=range(0))
    items[Columns.Item] = sorted({event[1] for event in events} | {"never bought"})
    return frame, items


SHOP = [("ann", "a", 0, "view", None, None), ("ann", "b", 1, "review", 5, "good"),
        ("bob", "a", 1, "rating", 2, None)]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_a_corpus_is_its_content_whatever_the_order_of_its_rows(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[Any, ...]], random: Any
) -> None:
    library = Library.open(tmp_path_factory.mktemp("library"))
    corpus = library.write("shop", *frames(events), rating_scale=(1, 5))
    manifest = corpus.manifest
    distinct = {(user, item, day, kind, text or "") for user, item, day, kind, _, text in events}
    assert manifest.accepted == len(corpus.events) == len(distinct)
    assert manifest.accepted + manifest.duplicates == manifest.rows_read == len(events)
    assert corpus.user_ids == tuple(sorted({event[0] for event in events}))
    assert list(corpus.item_ids) == sorted(corpus.item_ids)
    for user in corpus.user_ids:
        history = corpus.history(user)
        assert history.events == order_events(user, history.events)
        assert {e.item_id for e in history.events} == {e[1] for e in events if e[0] == user}
    shuffled = events[:]
    random.shuffle(shuffled)
    again = library.write("again", *frames(shuffled), rating_scale=(1, 5))
    assert again.corpus_id == corpus.corpus_id
    pd.testing.assert_frame_equal(again.events, corpus.events)
    other = library.write("other", *frames([*events, ("zoe", "z", 0, "view", None, None)]),
                          rating_scale=(1, 5))  # fmt: skip
    assert other.corpus_id != corpus.corpus_id


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    events, items = frames(SHOP)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, rows in zip(folders, (events, events.iloc[::-1]), strict=True):
        folder.mkdir()
        save_corpus(folder, "demo", rows, items, rating_scale=(1, 5), created=CREATED)
    one, two = ({path.name: path.read_bytes() for path in f.iterdir()} for f in folders)
    assert one == two
    files = {"events.parquet", "items.parquet", "manifest.json", "quarantine.jsonl"}
    assert set(one) == {*files, "SHA256SUMS"}


@pytest.mark.parametrize("field", Columns.EVENTS)
def test_the_fingerprint_sees_every_column(library: Library, field: str) -> None:
    before = library.write("shop", *frames(SHOP), rating_scale=(1, 5)).corpus_id
    events, items = frames(SHOP)
    changed: Any = {
        Columns.Time: pd.Timestamp(CREATED).as_unit("us") - pd.Timedelta(days=3),
        Columns.Rating: np.float32(3),
        Columns.Kind: "click",
        Columns.Item: "b",
    }.get(field, "changed")
    events[field] = events[field].astype(object)
    events.loc[0, field] = changed
    if field == Columns.Rating:
        events[field] = events[field].astype("float32")
    if field == Columns.Time:
        events[field] = pd.to_datetime(events[field], utc=True)
    assert library.write("shop", events, items, rating_scale=(1, 5)).corpus_id != before
    assert library.write("shop", *frames(SHOP), rating_scale=(0, 5)).corpus_id != before


def test_frames_have_the_promised_types(library: Library) -> None:
    corpus = library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    events, items = corpus.events, corpus.items
    assert tuple(events.columns) == Columns.EVENTS and tuple(items.columns) == Columns.ITEMS
    assert str(events[Columns.Time].dtype) == "datetime64[us, UTC]"
    assert events[Columns.Rating].dtype == np.float32
    assert events[Columns.Text].tolist() == [None, "good", None]
    assert items[Columns.Title].tolist() == [None, None, None]
    assert corpus.title("a") == "a" and corpus.title("unknown") == "unknown"
    assert corpus.item_index == {"a": 0, "b": 1, "never bought": 2}
    assert corpus.manifest.kinds == {"rating": 1, "review": 1, "view": 1}
    assert corpus.manifest.with_text == 1
    first = corpus.history("ann").events[0]
    assert (first.rating, first.text, first.timestamp) == (None, None, CREATED)


def test_an_unknown_user_is_named(library: Library) -> None:
    corpus = library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    with pytest.raises(DomainError, match=r"no user 'eve'.*corpus shop.*core users shop"):
        corpus.history("eve")


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "/etc", "Shop", "-x", "a b", ".hidden", "x" * 65, "a\n", "ü"]
)
def test_names_that_are_no_folder_names_are_refused(library: Library, name: str) -> None:
    for use in (library.corpus, library.model_folders, library.manifest):
        with pytest.raises(DomainError, match="cannot be a corpus name"):
            use(name)
    with pytest.raises(DomainError, match="cannot be a corpus name"):
        library.write(name, *frames(SHOP), rating_scale=None)


def test_the_demo_cannot_be_overwritten(library: Library) -> None:
    with pytest.raises(DomainError, match="shipped corpus"):
        library.write("demo", *frames(SHOP), rating_scale=None)


def test_corpora_are_listed_and_replaced(library: Library) -> None:
    library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    old = library.corpus_folder("shop")
    library.write("shop", *frames(SHOP[:2]), rating_scale=(1, 5))
    library.write("books", *frames(SHOP), rating_scale=(1, 5))
    assert not old.exists()
    assert [m.name for m in library.corpora() if m.name != "demo"] == ["books", "shop"]
    assert library.manifest("shop").accepted == 2
    with pytest.raises(DomainError, match=r"no corpus 'music'.*core import"):
        library.corpus("music")


def test_a_failed_preparation_leaves_the_old_corpus_and_no_litter(library: Library) -> None:
    old = library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    with pytest.raises(RuntimeError), library.staging("shop") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert library.corpus("shop").corpus_id == old.corpus_id
    left = {path.name for path in (library.root / "corpora" / "shop").iterdir()}
    assert left == {old.corpus_id, "current.json", ".lock"}


def test_two_imports_of_one_name_do_not_meet(library: Library) -> None:
    with (
        library.staging("shop"),
        pytest.raises(DomainError, match="another import of 'shop' is running"),
        library.staging("shop"),
    ):
        pass


@pytest.mark.parametrize("file", ["events.parquet", "items.parquet", "manifest.json"])
def test_a_damaged_corpus_is_an_error_that_says_so(library: Library, file: str) -> None:
    library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    (library.corpus_folder("shop") / file).write_bytes(b"PAR1 nonsense")
    with pytest.raises(DomainError, match=r"damaged.*Import the corpus again"):
        library.corpus("shop")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"corpus_id": "../../etc"}'])
def test_a_damaged_pointer_is_an_error_that_says_so(library: Library, content: str) -> None:
    library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    (library.root / "corpora" / "shop" / "current.json").write_text(content)
    with pytest.raises(DomainError):
        library.corpus("shop")
    assert [manifest.name for manifest in library.corpora() if manifest.name != "demo"] == []


def test_a_first_import_killed_before_its_pointer_is_there_all_the_same(library: Library) -> None:
    written = library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    home = library.root / "corpora" / "shop"
    (home / "current.json").unlink()
    assert library.corpus("shop").corpus_id == written.corpus_id
    shutil.copytree(home / written.corpus_id, home / "another")
    with pytest.raises(DomainError, match=r"pointer of corpus 'shop' is missing.*Import"):
        library.corpus("shop")


@pytest.fixture
def model(library: Library) -> Callable[[str, str | None], Path]:
    def make(model_id: str, config: str | None) -> Path:
        folder = library.models_root("shop") / model_id
        folder.mkdir(parents=True)
        if config is not None:
            (folder / "config.json").write_text(config)
        return folder

    return make


def test_models_are_listed_newest_first_and_only_when_finished(
    library: Library, model: Callable[[str, str | None], Path]
) -> None:
    old = model("b", json.dumps({"created": "2024-01-01T00:00:00"}))
    new = model("a", json.dumps({"created": "2024-02-01T00:00:00"}))
    model("unfinished", None)
    model("broken", "{")
    assert library.model_folders("shop") == [new, old]
    under_way = library.models_root("shop") / ".training-x"
    shutil.copytree(new, under_way)
    assert library.model_folders("shop") == [new, old]
    assert library.model_folder("shop") == new
    assert library.model_folder("shop", "b") == old
    for model_id in ("../a", "nothing"):
        with pytest.raises(DomainError, match="Choose one of a, b"):
            library.model_folder("shop", model_id)
    for model_id in ("unfinished", "broken"):
        with pytest.raises(DomainError, match=rf"config\.json can't be read.*{model_id}"):
            library.model_folder("shop", model_id)
    assert library.models("shop").damaged.keys() == {"unfinished", "broken"}
    with pytest.raises(DomainError, match="Run: python -m core train books"):
        library.model_folder("books")


def test_the_library_is_where_it_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TASTELINES_LIBRARY", raising=False)
    assert Library.open().root.parts[-2:] == ("data", "library")
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "env"))
    assert Library.open().root == tmp_path / "env"
    assert Library.open(tmp_path / "argument").root == tmp_path / "argument"
    assert not (tmp_path / "env").exists()
    (tmp_path / "file").touch()
    with pytest.raises(DomainError, match="is a file"):
        Library.open(tmp_path / "file")


def test_a_library_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "corpora").touch()
    with pytest.raises(DomainError, match="could not be written"):
        Library.open(tmp_path).write("shop", *frames(SHOP), rating_scale=None)


def test_a_first_import_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("a,b\n1,2\n")
    good.write_text("user_id,item_id,timestamp\nu,i,1700000000\n")
    library = Library.open(tmp_path / "new" / "library")
    with pytest.raises(DomainError):
        import_files(library, "shop", [bad])
    assert not (tmp_path / "new").exists()
    import_files(library, "shop", [good])
    with pytest.raises(DomainError):
        import_files(library, "other", [bad])
    with pytest.raises(DomainError):
        import_files(library, "shop", [bad])
    assert [path.name for path in (library.root / "corpora").iterdir()] == ["shop"]
    assert library.manifest("shop").accepted == 1


def test_a_library_that_cannot_be_listed_is_no_library_without_corpora(tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    library.write("shop", *frames(SHOP), rating_scale=(1, 5))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        with pytest.raises(DomainError, match="can't be listed"):
            library.corpora()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert "shop" in [manifest.name for manifest in library.corpora()]


def test_a_list_of_hashes_is_split_at_line_ends_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    write_sums(tmp_path)
    verify(tmp_path)
    path = tmp_path / SUMS
    path.write_bytes(path.read_bytes().replace(b"\n", b"\v", 1))
    with pytest.raises(Damaged):
        verify(tmp_path)
