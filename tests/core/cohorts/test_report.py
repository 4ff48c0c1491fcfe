"""A cohort as one file: everything in it, its saved what-ifs, and strangers' words as text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cohorts.area import Area
from core.cohorts.pattern import Pattern
from core.cohorts.patterns import Outcome, PatternStore, SavedPattern, outcome_of
from core.cohorts.rule import Rule
from core.cohorts.store import Cohort
from core.cohorts.what_if import make_what_if
from core.corpus.store import Library
from core.figures.cohort_report import cohort_report
from core.figures.palette import DARK, LIGHT
from core.views.cohorts.build import Everyone, build_cohort
from core.views.cohorts.what_if import build_what_if

HOSTILE = '<img src=x onerror=alert(1)></script><script>alert(1)</script>"&'
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"
FEW = 30


@pytest.fixture
def shelf(tmp_path: Path) -> Library:
    return Library.open(tmp_path / "library")


def without_scripts(report: str) -> str:
    return re.sub(r"<script.*?</script>", "", report, flags=re.DOTALL)


def test_a_cohorts_report_holds_its_description_flow_what_ifs_and_users(
    everyone: Everyone, shelf: Library
) -> None:
    engine, corpus = everyone.engine, everyone.engine.corpus
    ids, chosen = corpus.user_ids[:FEW], np.arange(len(corpus.user_ids)) < FEW
    known, never = Pattern.from_text("do=delete&kind=click"), Pattern.from_text("do=shift&by=1")
    found = make_what_if(shelf, engine, ids, known, "popularity")
    about = corpus.name, corpus.corpus_id, engine.model_id, FEW
    group = Cohort(HOSTILE, *about, user_ids=ids)
    store, nothing = PatternStore.open(shelf), Outcome(FEW, 0, 0, "0" * 16)
    store.save(SavedPattern(HOSTILE, group, known, "popularity", 10, outcome_of(found), HOSTILE))
    store.save(SavedPattern("never asked", group, never, "popularity", 10, nothing))
    other = replace(group, user_ids=ids[:3])
    store.save(SavedPattern("somebody else's", other, never, "popularity", 10, nothing))
    view = build_cohort(everyone, HOSTILE, chosen, None, None, None, "popularity")
    region = Area(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
    report, problems = cohort_report(everyone, shelf, view, DARK, area=region, notes=(HOSTILE,))
    said = without_scripts(report)
    assert problems == [] and "alert(1)</script>" not in report.split('id="figures"')[0]
    assert said.count(ESCAPED) >= 4 and "<img" not in said and "javascript" not in said
    for heading in ("All users on the interest map", "How they are served", "Its users"):
        assert f"<h2>{heading}</h2>" in said
    assert f"<h2>What if: {ESCAPED}" in said and "<h2>What if: never asked</h2>" in said
    assert "All their ratings raised by 1." in said and "was not asked with this" in said
    assert "It gives the same lists as when it was saved." in said
    assert "<h2>What if: somebody" not in said
    assert all(f">{user}</td>" in said for user in ids) and DARK.background in said
    # The answer on the page is told once, saved or not.
    topics = [engine.topics.names[topic] for topic in engine.topics.item_topic]
    asked = build_what_if(corpus, topics, found)
    again, _ = cohort_report(everyone, shelf, view, LIGHT, asked=asked)
    assert again.count("<h2>What if") == 2
    unsaved = replace(asked, found=replace(found, k=5))
    once_more, _ = cohort_report(everyone, shelf, view, LIGHT, asked=unsaved)
    assert "<h2>What if their histories differed?</h2>" in once_more


def test_a_rule_is_in_the_report_with_its_query(everyone: Everyone, shelf: Library) -> None:
    rule = Rule.from_text("least_events=40")
    chosen = everyone.people.users["events"].to_numpy() >= 40
    view = build_cohort(everyone, "busy", chosen, everyone.times[8], None, rule=rule)
    report, _ = cohort_report(everyone, shelf, view, LIGHT, rule=rule)
    said = without_scripts(report)
    assert "Rule: 40 or more events." in said and "WHERE users.events &gt;= ?" in said
    assert "users seen so far" in said  # the map and the flow end at the same time
