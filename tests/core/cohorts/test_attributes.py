"""User attributes in cohorts: a rule finds whom a loop finds, a description counts the known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from core.cohorts.people import People
from core.cohorts.rule import Rule, members, query_of
from core.cohorts.states import States
from core.corpus.attributes import Attributes, load_users, write_attributes
from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.engine import Engine
from core.evaluate.protocols import find_report
from core.figures.cohorts import users_map
from core.figures.palette import PALETTES
from core.turns.stored import Turns
from core.views.attributes import EPOCH_DAY, axis_words
from core.views.cohorts.build import Everyone, build_cohort, build_users_map
from core.views.interest_map import build_map
from core.views.starting import build_groups
from core.views.users import ATTRIBUTE, attribute_key, build_users, build_view, plain

FIRST = datetime(2020, 1, 1)
PLANS = ("pro", "团队", None)


@pytest.fixture(scope="module")
def attributed(
    demo_engine: Engine, states: States, turns: Turns, tmp_path_factory: pytest.TempPathFactory
) -> Everyone:
    """The demo with attributes: those with most events are pro, of a third nothing is known."""
    corpus: Corpus = demo_engine.corpus
    ids, folder = corpus.user_ids, tmp_path_factory.mktemp("users")
    counts = np.diff(corpus.user_starts)
    plans = ["pro" if n > 15 else PLANS[1 + at % 2] for at, n in enumerate(counts)]
    columns = {
        "plan": ("text", plans),
        "events": ("number", [float(n) * 2 if at % 3 else None for at, n in enumerate(counts)]),
        "joined": ("day", [FIRST + timedelta(days=at, hours=5) for at in range(len(ids))]),
    }
    facts = write_attributes(
        folder, ids, columns, ids, {"rows_read": len(ids), "repeated": 0, "refused": 0}
    )
    manifest = corpus.manifest.model_copy(update={"attributes": facts})
    table = load_users(folder, manifest)
    engine = Engine.__new__(Engine)
    engine.__dict__.update(demo_engine.__dict__)
    engine.corpus = replace(corpus, attributes=Attributes(facts, table, ids))
    return Everyone(engine, states, turns)


@pytest.fixture(scope="module")
def people(attributed: Everyone) -> People:
    return attributed.people


RULES = {
    "is:plan=pro": lambda row: row.plan == "pro",
    "is:plan=pro&is:plan=%E5%9B%A2%E9%98%9F": lambda row: row.plan is not None,
    "is:plan=": lambda row: row.plan is None,
    "least:events=20&most:events=60": lambda row: 20 <= row.events <= 60,
    "least:events=20&least:events=40": lambda row: row.events >= 40,
    "is:joined=2020-03-01": lambda row: row.joined.date() == datetime(2020, 3, 1).date(),
    "most:joined=2020-03-01&is:plan=pro": lambda row: (
        row.joined < datetime(2020, 3, 2) and row.plan == "pro"
    ),
    "is:plan=x'; DROP TABLE users --": lambda row: False,
}


@pytest.mark.parametrize("text", RULES)
def test_a_rule_finds_whom_a_loop_and_the_users_page_find(people: People, text: str) -> None:
    rule = Rule.from_text(text)
    assert Rule.from_text(rule.to_text()) == rule
    attributes = people.corpus.attributes
    assert attributes is not None
    values = {name: attributes.values(name) for name in attributes.names}
    rows = [
        SimpleNamespace(
            plan=values["plan"][at],
            events=values["events"][at],
            joined=values["joined"][at].astype("datetime64[us]").item(),
        )
        for at in range(len(attributes.user_ids))
    ]
    wanted = [bool(RULES[text](row)) for row in rows]
    assert members(rule, people).tolist() == wanted
    exact = [each.name for each in rule.attributes if each.op == "is"]
    if len(set(exact)) == len(exact):
        held = np.all([each.holds(attributes) for each in rule.attributes], axis=0)
        assert held.tolist() == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("is:nothing=1", "there is no user attribute 'nothing'"),
        ("least:plan=3", "plan is text, which has no least"),
        ("least:events=many", "events can't be 'many'"),
        ("most:joined=soon", "joined can't be 'soon'"),
    ],
)
def test_what_can_not_be_asked_is_said(people: People, text: str, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        members(Rule.from_text(text), people)


def test_a_query_holds_no_words_of_the_file(people: People) -> None:
    query = query_of(Rule.from_text("is:plan=pro&least_events=3"), people.corpus.attributes)
    assert "plan" not in query.text and "pro" not in query.text
    assert query.names == ("a0: plan",) and "-- a0: plan" in query.shown
    with pytest.raises(DomainError, match="has no user attributes"):
        query_of(Rule.from_text("is:plan=pro"))


def test_a_description_counts_those_of_whom_it_is_known(attributed: Everyone) -> None:
    busy = attributed.people.users["events"].to_numpy() > 20
    view = build_cohort(attributed, "busy", busy, None, None)
    traits = {trait.name: trait for trait in view.found.traits}
    assert "events" in [trait.name for trait in view.found.of("measure")]
    known = attributed.engine.corpus.attributes.known("events") & busy
    of_measure = next(trait for trait in view.found.of("measure") if trait.name == "events")
    assert of_measure.known == known.sum() < busy.sum()
    rule = Rule.from_text("is:plan=pro")
    pro = members(rule, attributed.people)
    free = build_cohort(attributed, "pro", pro, None, None).found
    assert any(trait.name == "plan: pro" for trait in free.traits)
    own = build_cohort(attributed, "pro", pro, None, None, rule=rule).found
    assert not any(trait.name.startswith("plan") for trait in own.traits)
    assert traits and own.tests == free.tests - 2


def test_users_are_coloured_by_an_attribute(attributed: Everyone) -> None:
    for name, kinds in (("plan", ("pro", "团队")), ("joined", ()), ("events", ())):
        view = build_users_map(attributed, None, "attribute", name)
        assert set(view.names) == set(kinds) and view.is_day == (name == "joined")
        figure = users_map(view, build_map(attributed.engine), PALETTES["light"])
        assert len(figure.data[0].x) == len(view.places)  # plotly has checked it
    assert "2020" in figure.layout.annotations[-1].text or view.measure == "events (users file)"


def test_a_day_at_the_end_of_the_calendar_is_shown(attributed: Everyone) -> None:
    attributes, last = attributed.engine.corpus.attributes, datetime.max.toordinal() - EPOCH_DAY
    assert axis_words(attributes, "joined", last + 3e6) == "31 Dec 9999"
    assert axis_words(attributes, "joined", -3e6).endswith("1 Jan 1")
    view = build_users_map(attributed, None, "attribute", "joined")
    late = replace(view, values=np.full(len(view.values), last + 1.0))
    figure = users_map(late, build_map(attributed.engine), PALETTES["light"])
    assert "31 Dec 9999" in figure.layout.annotations[-1].text


def test_the_users_page_sorts_filters_and_exports_by_attribute(attributed: Everyone) -> None:
    corpus = attributed.engine.corpus
    users = build_users(attributed.engine, None)
    rule = Rule.from_text("least:events=40")
    asked = {"attributes": corpus.attributes, "attribute": "events", "sort": ATTRIBUTE}
    view = build_view(users, ("A",), conditions=rule.attributes, **asked)
    column = view.rows[attribute_key("events")]
    assert column.is_monotonic_decreasing and column.min() >= 40
    assert view.sentence.endswith(
        "events (users file) 40 or more, by events (users file), largest first."
    )
    by_plan = build_view(users, ("A",), **(asked | {"attribute": "plan"}))
    plans = by_plan.rows[attribute_key("plan")].dropna().tolist()
    assert plans == sorted(plans) and by_plan.sentence.endswith("by plan.")
    made = plain(view.rows, corpus.attributes)
    assert {"events", "events (users file)", "plan", "joined"} <= set(made)
    row = made.iloc[0]
    assert corpus.attributes.of_user(row["user_id"])["events"] == row["events (users file)"]


def test_a_badly_served_value_is_found_with_its_rule(attributed: Everyone, demo_library) -> None:
    engine = attributed.engine
    report = find_report(engine.corpus, demo_library, engine.folder)
    assert report is not None
    plans = dict(zip(engine.corpus.user_ids, engine.corpus.attributes.values("plan"), strict=True))
    is_team = np.array([plans[user] == "团队" for user in report.users])
    at = report.names.index(engine.recommender().id)
    results = list(report.results)
    rank = np.where(is_team, 400.0, 1.0 + np.arange(len(is_team)) % 9)
    results[at] = replace(results[at], rank=rank.astype(results[at].rank.dtype))
    top = build_groups(engine, replace(report, results=tuple(results))).groups[0]
    assert (top.name, top.cases, top.ndcg) == ("plan: 团队", is_team.sum(), 0)
    assert Rule.from_text(top.rule) == Rule.from_text("is:plan=团队")
