"""Columns are named in one notation that reads back exactly; mistakes are said in one line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.compare.columns import (
    ColumnSpec,
    open_column,
    open_columns,
    read_column,
    with_edits,
)
from core.compare.comparison import Comparison
from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.evaluate.importing_lists import import_lists
from core.scenario.edits import Edit, Op
from core.scenario.unsaved import Unsaved

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text == text.strip()
)
maybe = st.none() | words


@given(words, maybe, maybe, maybe)
def test_the_notation_reads_back(
    user: str, at: str | None, recommender: str | None, scenario: str | None
) -> None:
    spec = ColumnSpec(user, at, recommender, scenario)
    assert read_column(str(spec)) == spec


def test_what_a_person_types() -> None:
    typed = read_column("user=U0001, at=2024-03-01 ,recommender=ease")
    assert typed == ColumnSpec("U0001", "2024-03-01", "ease")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("at=3", "needs user="),
        ("user=", "'user=' is not key=value"),
        ("U0001", "'U0001' is not key=value"),
        ("user=a,when=3", "'when' is no key"),
        ("user=a,user=b", "'user' is given twice"),
        ("", "'' is not key=value"),
    ],
)
def test_a_malformed_column_says_why(text: str, said: str) -> None:
    with pytest.raises(DomainError) as error:
        read_column(text)
    assert said in str(error.value) and "user=U,at=T" in str(error.value)


def test_columns_open_at_steps_times_and_before_the_first_event(
    engine: Engine, library: Library, busy_user: str
) -> None:
    whole = engine.corpus.history(busy_user)
    start = open_column(engine, ColumnSpec(busy_user, "0"), library)
    assert (start.step, start.moment) == (0, whole.events[0].timestamp)
    assert start.following == whole.events[0].item_id
    at_time = open_column(
        engine, ColumnSpec(busy_user, whole.events[4].timestamp.isoformat()), library
    )
    assert at_time.step >= 5
    end = open_column(engine, ColumnSpec(busy_user), library)
    assert (end.step, end.following) == (len(whole), None)
    assert end.source == engine.recommender().id


@pytest.mark.parametrize(
    "spec",
    [
        ColumnSpec("nobody"),
        ColumnSpec("U", "7"),
        ColumnSpec("U", None, "astrology"),
        ColumnSpec("U", None, None, "no such scenario"),
        ColumnSpec("U", "99999"),
    ],
)
def test_what_does_not_exist_is_a_domain_error(
    engine: Engine, library: Library, busy_user: str, spec: ColumnSpec
) -> None:
    named = ColumnSpec(busy_user if spec.user == "U" else spec.user, spec.at, spec.recommender,
                       spec.scenario)  # fmt: skip
    if named.at == "7":
        named = ColumnSpec(busy_user, "not a time")
    with pytest.raises(DomainError):
        open_column(engine, named, library)


def test_one_column_is_no_comparison(engine: Engine, library: Library, busy_user: str) -> None:
    with pytest.raises(DomainError, match="2 to 6 columns"):
        open_columns(engine, [ColumnSpec(busy_user)], library)


def test_a_served_list_is_a_column_at_the_time_it_was_served(
    engine: Engine, busy_user: str, tmp_path: Path
) -> None:
    library = Library.open(tmp_path)
    whole = engine.corpus.history(busy_user)
    moment = whole.events[4].timestamp
    rows = ["user_id,timestamp,rank,item_id"]
    ids = engine.corpus.item_ids
    for hours, items in ((1, ids[:3]), (-0.01, ids[10:12]), (-400, ids[5:9])):
        when = (moment + timedelta(hours=hours)).isoformat()
        rows += [f"{busy_user},{when},{rank},{item}" for rank, item in enumerate(items, start=1)]
    path = tmp_path / "served.csv"
    path.write_text("\n".join(rows))
    import_lists(engine.corpus, library, path, "production")
    late = open_column(engine, ColumnSpec(busy_user, None, "production"), library)
    assert late.recommender is None and late.served is not None
    assert [item.item_id for item in late.served.items] == list(ids[:3])
    day_before = moment - timedelta(days=1)
    for form in ("%Y-%m-%d", "%Y%m%d"):
        spec = ColumnSpec(busy_user, day_before.strftime(form), "production")
        early = open_column(engine, spec, library).served
        assert early is not None
        assert [item.item_id for item in early.items] == list(ids[5:9])
    comparison = Comparison(
        engine,
        [ColumnSpec(busy_user, "1", "production"), ColumnSpec(busy_user, "1")],
        library=library,
    )
    assert len(comparison.lists[1].items) == 10
    assert all(move.cause is None for move in comparison.moves())
    assert comparison.overlaps[0].jaccard is not None


def test_a_column_of_unsaved_edits_is_what_the_edits_make(engine, library, busy_user) -> None:
    edits = Unsaved((Edit(Op.DELETE, step=19),)).to_code()
    original, edited = with_edits(busy_user, 20, edits)
    assert read_column(str(edited)) == edited
    column = open_column(engine, edited, library)
    assert len(column.history) == 19 and column.scenario == "unsaved edits"
    assert open_column(engine, original, library).edited is None
    with pytest.raises(DomainError, match="not both"):
        read_column(f"{edited},scenario=x")
    with pytest.raises(DomainError, match="edits in the address"):
        open_column(engine, ColumnSpec(busy_user, "20", edits="1AAAA"), library)
