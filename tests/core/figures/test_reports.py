"""Reports of a user, of a model, and in scripts without spaces: one file, text as text."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from core.domain import DomainError
from core.engine import Engine
from core.figures.model_report import report_of
from core.figures.palette import DARK, LIGHT
from core.figures.report import Section, write_report
from core.figures.user_report import LISTS, user_report
from core.model.metrics import Metrics, read_metrics
from core.views.corpora import read_card

OUTSIDE = re.compile(r"""(?:src|href)=["'](?:https?:)?//|@import|url\(""")


@pytest.fixture(scope="module")
def few(demo_engine: Engine) -> str:
    """A user with few events, so that explanations are quick."""
    starts = demo_engine.corpus.user_starts
    sizes = starts[1:] - starts[:-1]
    return demo_engine.corpus.user_ids[int((sizes == 6).argmax())]


def without_scripts(report: str) -> str:
    return re.sub(r"<script.*?</script>", "", report, flags=re.DOTALL)


def test_a_users_report_holds_episodes_lists_and_explanations(
    demo_engine: Engine, few: str
) -> None:
    told = []
    report = user_report(demo_engine, few, DARK, step=5, seconds=0.2, progress=told.append)
    said = without_scripts(report)
    listed = demo_engine.recommend(demo_engine.corpus.history(few).up_to(5), 10).items
    for item in listed[:3]:
        assert f"Why rank {item.rank}: " in said and (item.title or item.item_id) in said.replace(
            "&#39;", "'"
        ).replace("&amp;", "&")
    for heading in ("Interest by topic", "Events", "Lists over time", "All steps"):
        assert f">{heading}</h2>" in said
    assert "at step 5 of 6" in said and DARK.background in said
    assert not OUTSIDE.search(said) and "default-src &#39;none&#39;" not in said
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert said.count('<div class="figure"') >= 8


def test_a_report_of_nobody_or_at_no_step_is_an_error(demo_engine: Engine, few: str) -> None:
    with pytest.raises(DomainError, match="nobody"):
        user_report(demo_engine, "nobody", LIGHT)
    with pytest.raises(DomainError):
        user_report(demo_engine, few, LIGHT, step=99)


def test_lists_of_a_long_history_are_the_newest(demo_engine: Engine, busy_user: str) -> None:
    from core.figures.user_report import _lists
    from core.views.turns.build import build_turns

    turns = build_turns(demo_engine, busy_user, None)
    one = turns.episodes[0]
    many = replace(
        turns, episodes=tuple(replace(one, first=at, last=at + 1) for at in range(1, 20, 2))
    )
    history = demo_engine.corpus.history(busy_user)
    section = _lists(demo_engine, history, many, 20, "popularity")
    assert section.table is not None and section.table.shape == (10, 1 + LISTS)
    assert section.table.columns[-1].startswith("step 20")


def test_a_models_report_without_an_evaluation_says_so(demo_engine: Engine) -> None:
    card = "# Card\n\n## Data <b>\n\nMade of `rows`.\n\n| a | b |\n|---|---|\n| 1 | <i>2</i> |\n"
    said = without_scripts(report_of(demo_engine, [], Metrics(), card, LIGHT))
    assert "no stored evaluation" in said and "no record of its training" in said
    assert "<h2>Model card: Data &lt;b&gt;</h2>" in said and "<p>Made of rows.</p>" in said
    assert "&lt;i&gt;2&lt;/i&gt;</td>" in said and "<i>" not in said


def test_the_card_that_training_writes_becomes_sections(demo_engine: Engine) -> None:
    metrics = read_metrics(demo_engine.folder)
    assert metrics is not None
    card = read_card(demo_engine.folder)
    said = without_scripts(report_of(demo_engine, [], metrics, card, LIGHT))
    assert said.count("<h2>Model card") >= 6 and "##" not in said and "|---" not in said


def test_words_in_scripts_without_spaces_are_marked_with_their_language() -> None:
    table = pd.DataFrame({"item": ["无线蓝牙耳机主动降噪", "Lamp"], "商品": ["ワイヤレス", "무선"]})
    report = write_report(
        "用户7",
        ["Corpus 商店, model 1"],
        [Section("b", ("An English sentence about 耳机.",), None, table, (("x", "หูฟังดีมาก"),))],
        LIGHT,
    )
    assert '<h1 lang="zh">用户7</h1>' in report and "<p>An English" in report
    assert '<td lang="zh">无线' in report and '<td class="short">Lamp' in report
    assert '<td class="short" lang="ja">ワ' in report and 'lang="ko">무' in report
    assert '<blockquote lang="th">' in report and '<th scope="col" lang="zh">' in report
    assert ":lang(ja)" in report and "line-break: strict" in report
