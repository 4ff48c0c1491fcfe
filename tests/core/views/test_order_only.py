"""A corpus without times: only the order counts, and nothing that a person reads has a date."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from core.compare.columns import before_and_after, month_by_month, open_columns
from core.compare.fork import run
from core.compare.turnover import measure_turnover
from core.corpus.store import Library
from core.domain import DomainError, History
from core.engine import Engine
from core.evaluate.protocols import find_report, splits
from core.explain.explanation import Explanation
from core.figures.palette import LIGHT
from core.figures.time_scale import time_scale
from core.figures.timeline import events_figure, ranks_figure, step_sizes_figure
from core.figures.turnover import turnover_figure
from core.figures.what_if import sizes_figure
from core.scenario.edits import Edit, Op, apply_edits
from core.views.compare.build import column_names
from core.views.explain.build import build_answer, build_parts, tell
from core.views.overview import build_facts
from core.views.quality.build import build_quality
from core.views.timeline.build import build_moment, build_timeline, timeline_table
from core.views.turnover import build_turnover
from core.views.users import build_users
from core.views.what_if.build import build_fork
from core.views.what_if.history_table import build_table, next_minute
from core.views.what_if.sentences import fork_sentence

DATED = re.compile(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (19|20)\d\d")


@pytest.fixture(scope="module")
def untimed(demo_library: Library) -> Engine:
    """The demo as if its files had had no times."""
    corpus = demo_library.corpus("demo")
    manifest = corpus.manifest.model_copy(update={"order_as_time": True})
    folder = demo_library.model_folder("demo")
    return Engine.open(replace(corpus, manifest=manifest), folder, demo_library)


@pytest.fixture(scope="module")
def base(untimed: Engine, busy_user: str) -> History:
    return untimed.corpus.history(busy_user).up_to(8)


def test_the_model_sees_no_gaps(untimed: Engine, demo_engine: Engine, busy_user: str) -> None:
    history = untimed.corpus.history(busy_user)
    assert not history.timed and all(event.date is None for event in history.events)
    timed = demo_engine.corpus.history(busy_user)
    bare = timed.with_events([replace(event, timed=False) for event in timed.events])
    same = demo_engine.query_vectors(bare)
    np.testing.assert_allclose(untimed.query_vectors(history), same, atol=1e-6)
    assert not np.allclose(same, demo_engine.query_vectors(timed), atol=1e-3)


def test_the_timeline_and_overview_have_no_date(untimed: Engine, busy_user: str) -> None:
    view = build_timeline(untimed, busy_user)
    scale = time_scale(view, "time")
    assert scale.spacing == "even" and scale.axis()["type"] == "linear"
    figures = [
        events_figure(view, 2, scale, LIGHT),
        ranks_figure(view, 2, len(untimed.corpus.item_ids), scale, LIGHT),
        step_sizes_figure(view, 2, scale, LIGHT),
    ]
    said = [view.facts, view.profile_sentence, view.step_sizes_sentence]
    said += [build_moment(untimed, view, 3).sentence, build_facts(untimed.corpus.manifest)]
    said += [figure.to_json() for figure in figures]
    assert not [text for text in said if DATED.search(text)]
    assert timeline_table(view)["timestamp"].isna().all()
    assert "no times" in build_facts(untimed.corpus.manifest)


def test_explain_has_no_time_part(untimed: Engine, base: History) -> None:
    explanation = Explanation(untimed, base, untimed.recommend(base, 1).items[0].item_id)
    answer = build_answer(explanation)
    parts = build_parts(answer, explanation.parts)
    assert np.abs(parts.values[:, 3]).max() < 1e-6
    assert "no times" in parts.sentence
    assert not [line for line in tell(explanation, []) if DATED.search(line)]


def test_what_if_adds_at_the_end_and_changes_no_date(untimed: Engine, base: History) -> None:
    corpus = untimed.corpus
    at = next_minute(base)
    assert at is not None and base.at is not None and (at - base.at).days == 1
    edited = apply_edits(base, [Edit(Op.ADD, item_id=corpus.item_ids[0], timestamp=at)], corpus)
    assert edited.origins[-1] == "a1" and edited.history.events[-1].date is None
    assert [row.timestamp for row in build_table(corpus, edited)[1:]] == [None] * 9
    with pytest.raises(DomainError, match="no times, only the order"):
        apply_edits(base, [Edit(Op.DATE, step=1, timestamp=at)], corpus)
    fork = run(untimed, base, [Edit(Op.DELETE, step=5)])
    figure = sizes_figure(build_fork(fork), LIGHT)
    assert figure.layout.xaxis.type == "linear"
    assert not DATED.search(fork_sentence(fork) + figure.to_json())


def test_compare_and_turnover_know_no_months_and_no_days(
    untimed: Engine, demo_library: Library, busy_user: str
) -> None:
    assert month_by_month(untimed, busy_user, 8) == []
    columns = open_columns(untimed, before_and_after(busy_user, 5), demo_library)
    assert [column.moment for column in columns] == [None, None]
    assert not DATED.search(" ".join(column_names(columns)))
    view = build_turnover(measure_turnover(untimed, [busy_user]))
    assert list(view.curves) == ["event"]
    assert len(turnover_figure(view, LIGHT).data) == 1


def test_users_were_seen_at_no_date(untimed: Engine) -> None:
    assert build_users(untimed, None)["seen"].isna().all()


def test_quality_knows_no_months_and_nothing_over_time(
    untimed: Engine, demo_library: Library
) -> None:
    report = find_report(untimed.corpus, demo_library, untimed.folder)
    assert report is not None
    view = build_quality(untimed, report, (), "joint")
    assert view.periods == () and "order of the file" in view.cautions[0]
    with pytest.raises(DomainError, match=r"no times.*leave-last-out"):
        splits(untimed.corpus, "temporal")
