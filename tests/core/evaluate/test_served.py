"""Lists of a person's own system: read with care, found by time, judged like a recommender."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import DomainError, Part, Stopped
from core.evaluate import importing_lists
from core.evaluate.importing_lists import ListsSummary, import_lists
from core.evaluate.protocols import with_served
from core.evaluate.report import evaluate
from core.evaluate.served import HEADER, load_lists, served_list, served_manifests
from core.measure.cases import Case, leave_last_out_cases
from core.ranking import NO_ITEM
from core.recommend.training_data import TrainingData

Row = tuple[str, str, object, str]
COLUMNS = ["user_id", "timestamp", "rank", "item_id"]
HOUR = timedelta(hours=1)


@pytest.fixture
def shelf(tmp_path: Path) -> Library:
    return Library.open(tmp_path / "library")


@pytest.fixture
def bring(
    corpus: Corpus, shelf: Library, tmp_path: Path
) -> Callable[[Sequence[Row]], ListsSummary]:
    def write_and_import(rows: Sequence[Row]) -> ListsSummary:
        path = tmp_path / "lists.csv"
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
        return import_lists(corpus, shelf, path, "production")

    return write_and_import


@pytest.fixture(scope="module")
def judged(corpus: Corpus) -> tuple[Case, ...]:
    return tuple(
        case
        for case in leave_last_out_cases(corpus, Part.TEST)
        if case.target not in case.history.excluded_items()
        and case.target_time - case.history.events[-1].timestamp > 2 * HOUR
    )


def row(case: Case, when: datetime, rank: object, item: str) -> Row:
    return (case.history.user_id, when.isoformat(), rank, item)


def other(corpus: Corpus, case: Case, place: int = 0) -> str:
    return [item for item in corpus.item_ids if item != case.target][place]


def test_the_list_served_last_before_the_target_counts(
    corpus: Corpus, shelf: Library, judged: tuple[Case, ...], bring: Callable[..., ListsSummary]
) -> None:
    """Hit, miss by time, stale hit, no list: each as it was served, and each counted."""
    hit, late, stale, *unserved = judged
    known = stale.history.events[-1].timestamp
    rows = [
        row(hit, hit.target_time - 2 * HOUR, 1, other(corpus, hit)),
        row(hit, hit.target_time - HOUR, 1, other(corpus, hit, 1)),
        row(hit, hit.target_time - HOUR, 3, hit.target),
        row(late, late.target_time, 1, late.target),
        row(stale, known - HOUR, 2, stale.target),
    ]
    summary = bring(rows)
    assert (summary.manifest.lists, summary.manifest.users) == (4, 3)
    assert summary.reasons == {}
    data = TrainingData.of(corpus, leave_last_out(corpus.events))
    found = load_lists(corpus, shelf, "production").judge(judged, data, 10)
    assert found.result.rank[:3].tolist() == [3.0, math.inf, 2.0]
    assert np.isinf(found.result.rank[3:]).all()
    assert found.result.lists[0, :3].tolist() == [
        corpus.item_index[other(corpus, hit, 1)],
        NO_ITEM,
        corpus.item_index[hit.target],
    ]
    assert (found.cases, found.unserved, found.stale) == (len(judged), 1 + len(unserved), 1)
    assert np.isnan(found.result.log_probability).all()
    assert found.result.recommender == "production"


def test_times_of_whole_days_leave_the_list_of_the_last_known_event(
    make_corpus: Callable[..., Corpus], tmp_path: Path
) -> None:
    """Target and last known event have one time; a list made right after the latter counts."""
    rows = [("u", f"i{at}", min(at, 5), "view") for at in range(7)]
    rows += [("v", f"i{at}", at, "view") for at in range(7)]
    days = make_corpus(rows)
    shelf = Library.open(tmp_path / "library")
    cases = leave_last_out_cases(days, Part.TEST)
    assert [case.target_time == case.history.at for case in cases] == [True, False]
    path = tmp_path / "lists.csv"
    served = [row(case, case.target_time, 1, case.target) for case in cases]
    pd.DataFrame(served, columns=COLUMNS).to_csv(path, index=False)
    import_lists(days, shelf, path, "production")
    data = TrainingData.of(days, leave_last_out(days.events))
    found = load_lists(days, shelf, "production").judge(cases, data, 10)
    assert found.result.rank.tolist() == [1.0, math.inf]
    assert found.unserved == 1


def test_a_list_is_found_by_user_and_time(
    corpus: Corpus, shelf: Library, judged: tuple[Case, ...], bring: Callable[..., ListsSummary]
) -> None:
    case = judged[0]
    when = case.target_time - HOUR
    user = case.history.user_id
    bring([row(case, when, 2, case.target), row(case, when, 1, other(corpus, case))])
    found = served_list(corpus, shelf, "production", user, when)
    assert found is not None
    assert [item.item_id for item in found.items] == [other(corpus, case), case.target]
    assert [item.rank for item in found.items] == [1, 2]
    assert all(math.isnan(item.score) for item in found.items)
    assert found.step == len(case.history)
    assert found.recommender == "production"
    assert served_list(corpus, shelf, "production", user, when - HOUR) is None
    assert served_list(corpus, shelf, "production", "nobody", when) is None
    with pytest.raises(DomainError, match="no imported lists 'staging'"):
        served_list(corpus, shelf, "staging", user, when)


def test_rows_that_cannot_be_used_are_refused_one_by_one(
    corpus: Corpus, judged: tuple[Case, ...], bring: Callable[..., ListsSummary]
) -> None:
    case = judged[0]
    when, good = case.target_time - HOUR, other(corpus, case)
    summary = bring(
        [
            row(case, when, 1, good),
            row(case, when, 1, case.target),
            row(case, when, 2, good),
            row(case, when, "first", case.target),
            row(case, when, 0, case.target),
            row(case, when, 1.5, case.target),
            row(case, when, 4, "no such item"),
            ("nobody", when.isoformat(), 1, good),
            (case.history.user_id, "yesterday", 1, good),
            ("", when.isoformat(), 1, good),
        ]
    )
    manifest = summary.manifest
    assert (manifest.rows_read, manifest.accepted, manifest.quarantined) == (10, 1, 9)
    assert summary.reasons["rank is not a whole number from 1 to 10,000"] == 3
    assert summary.reasons["rank appears twice in one list"] == 1
    assert summary.reasons["item_id appears twice in one list"] == 1
    assert summary.reasons["item_id is not in the catalogue"] == 1
    assert summary.reasons["user_id is not in the corpus"] == 1
    kept = [json.loads(line) for line in summary.quarantine.read_text().splitlines()]
    assert len(kept) == 9 and {one["line"] for one in kept} == set(range(3, 12))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
def test_every_format_gives_the_same_lists(
    corpus: Corpus, shelf: Library, judged: tuple[Case, ...], tmp_path: Path, kind: str
) -> None:
    rows = [row(case, case.target_time - HOUR, 1, case.target) for case in judged]
    table = pd.DataFrame(rows, columns=COLUMNS)
    path = tmp_path / f"lists.{kind}"
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "jsonl":
        table.to_json(path, orient="records", lines=True)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    else:
        table.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    summary = import_lists(corpus, shelf, path, "production")
    assert summary.manifest.accepted == len(rows)
    assert [found.name for found in served_manifests(corpus.name, shelf)] == ["production"]
    plain = tmp_path / "again.csv"
    table.iloc[::-1].to_csv(plain, index=False)
    again = import_lists(corpus, shelf, plain, "again")
    assert again.manifest.lists_id == summary.manifest.lists_id


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("Bad Name", "user_id,timestamp,rank,item_id\n", "cannot be the name"),
        ("joint", "user_id,timestamp,rank,item_id\n", "own recommenders"),
        ("mine", "user_id,timestamp,item_id\nu01,2023-02-01,i00\n", "no column 'rank'"),
        ("mine", "user_id,timestamp,rank,item_id\nx,2023-02-01,1,i00\n", "none of 1 rows"),
        ("mine", "", "empty"),
    ],
)
def test_what_a_person_must_change_is_said_and_nothing_is_written(
    corpus: Corpus, shelf: Library, tmp_path: Path, name: str, content: str, says: str
) -> None:
    path = tmp_path / "lists.csv"
    path.write_text(content)
    with pytest.raises(DomainError, match=says):
        import_lists(corpus, shelf, path, name)
    assert served_manifests(corpus.name, shelf) == []


def test_a_stopped_import_keeps_the_older_lists(
    corpus: Corpus,
    shelf: Library,
    judged: tuple[Case, ...],
    bring: Callable[..., ListsSummary],
    tmp_path: Path,
) -> None:
    case = judged[0]
    before = bring([row(case, case.target_time - HOUR, 1, case.target)]).manifest
    with pytest.raises(Stopped):
        import_lists(corpus, shelf, tmp_path / "lists.csv", "production", stop=lambda: True)
    assert served_manifests(corpus.name, shelf) == [before]
    (shelf.root / "lists" / corpus.name / "production.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DomainError, match="Import them again"):
        load_lists(corpus, shelf, "production")
    assert served_manifests(corpus.name, shelf) == []


def test_lists_remember_the_content_they_were_imported_for(
    corpus: Corpus,
    make_corpus: Callable[..., Corpus],
    shelf: Library,
    judged: tuple[Case, ...],
    bring: Callable[..., ListsSummary],
) -> None:
    """Lists of a file without that record are of unknown content: nothing is claimed."""
    bring([row(case, case.target_time - HOUR, 1, case.target) for case in judged])
    user = judged[0].history.user_id
    changed = make_corpus(
        [(user, event.item_id, at, "view") for at, event in enumerate(corpus.history(user).events)],
        corpus.item_ids,
    )
    report = {}
    for name, data in (("same", corpus), ("changed", changed)):
        cases = leave_last_out_cases(data, Part.TEST)
        parts = leave_last_out(data.events)
        report[name] = evaluate([], cases, TrainingData.of(data, parts), 10, "leave-last-out")
    (same,) = with_served(report["same"], corpus, shelf)[1]
    (other_content,) = with_served(report["changed"], changed, shelf)[1]
    assert (same.of_other_content, other_content.of_other_content) == (False, True)

    path = shelf.root / "lists" / corpus.name / "production.parquet"
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[HEADER])
    assert facts.pop("corpus_id") == corpus.corpus_id and facts.pop("seal")
    pq.write_table(table.replace_schema_metadata({HEADER: json.dumps(facts)}), path)
    (unknown,) = with_served(report["changed"], changed, shelf)[1]
    assert unknown.of_other_content is False


@pytest.mark.parametrize("damage", ["whole", "middle"])
def test_a_damaged_file_is_left_out_and_named(
    corpus: Corpus,
    shelf: Library,
    judged: tuple[Case, ...],
    bring: Callable[..., ListsSummary],
    damage: str,
) -> None:
    bring([row(case, case.target_time - HOUR, 1, case.target) for case in judged])
    good = shelf.root / "lists" / corpus.name / "production.parquet"
    content = good.read_bytes()
    broken = content[:4] + b"\xff" * 200 + content[204:] if damage == "middle" else b"PAR1 nonsense"
    good.with_name("broken.parquet").write_bytes(broken)
    data = TrainingData.of(corpus, leave_last_out(corpus.events))
    found, lists, damaged = with_served(
        evaluate([], leave_last_out_cases(corpus, Part.TEST), data, 10, "leave-last-out"),
        corpus,
        shelf,
    )
    assert [one.result.recommender for one in lists] == ["production"]
    assert [result.recommender for result in found.results] == ["production"]
    assert damaged == ("broken",)


def test_numbers_beyond_all_bounds_are_refused_one_by_one(
    corpus: Corpus, shelf: Library, judged: tuple[Case, ...], tmp_path: Path
) -> None:
    user, item, path = judged[0].history.user_id, judged[0].target, tmp_path / "lists.jsonl"
    lines = [
        f'{{"user_id": "{user}", "timestamp": {when}, "rank": {rank}, "item_id": "{item}"}}'
        for when, rank in [
            ("1700000000", "1"),
            ("1700000001", "1" + "0" * 400),
            ("1700000002", "1e400"),
            ("1e305", "1"),
            ("1" + "0" * 400, "1"),
        ]
    ]
    path.write_text("\n".join(lines))
    summary = import_lists(corpus, shelf, path, "production")
    assert (summary.manifest.accepted, summary.manifest.quarantined) == (1, 4)
    assert summary.reasons["rank is not a whole number from 1 to 10,000"] == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x" * 3_000_000 + b",y\n1,2\n", "no column 'user_id'"),
        (b"x" * 3_000_000 + b"," + b"x" * 3_000_000 + b"\n1,2\n", "no column 'user_id'"),
        (b"user_id,timestamp,rank,item_id\nu01,soon,1,i00\n", "no value is a time"),
        (bytes(range(32)) * 300, "binary"),
        (b"user_id,timestamp,rank,item_id\nu\xff1,2023-02-01,1,i00\n", "not utf-8"),
    ],
)
def test_messages_are_short_and_name_no_option_of_another_verb(
    corpus: Corpus, shelf: Library, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "lists.csv"
    path.write_bytes(content)
    with pytest.raises(DomainError, match=says) as caught:
        import_lists(corpus, shelf, path, "production")
    assert len(str(caught.value)) < 500
    assert "--map" not in str(caught.value) and "--encoding" not in str(caught.value)


def test_reasons_name_the_limits() -> None:
    most = importing_lists.MOST_REWARD
    assert importing_lists.NO_RANK.endswith(f" to {importing_lists.DEEPEST:,}")
    assert f"from {importing_lists.LEAST_PROPENSITY:g} to" in importing_lists.NO_PROPENSITY
    assert importing_lists.NO_REWARD.endswith(f"from {-most:g} to {most:g}")
