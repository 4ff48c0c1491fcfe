"""The Explain page: why this item, for this user, at this time; and one item over users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from core.domain import Event
from core.explain.explanation import Explanation, WordsOfReview
from core.explain.over_corpus import Receiver
from core.explain.parts import PART_NAMES, PartValues
from core.explain.scorecard import Scorecard
from core.language import tr
from core.scenario.search import SmallestChange
from core.views.explain import sentences
from core.views.explain.ladder import build_ladder, tell_ladder
from core.views.explain.rows import (
    LOG_P,
    AnswerView,
    ChangeView,
    EventBar,
    MarkedWord,
    PartsView,
    ReceiversView,
    ScorecardView,
    WordsView,
)
from core.views.tables import table
from core.views.what_if.edits import edit_words
from core.views.what_if.sentences import search_words
from core.views.wording import TITLE, count, day, event_label, joined, nats, trained_on

if TYPE_CHECKING:
    from core.engine import Engine

DOUBT = 2.0
"""Standard errors within which a value may be zero."""
TOLD = 15
"""Events listed in a terminal."""


def build_answer(explanation: Explanation) -> AnswerView:
    """The first answer to one question."""
    values, rival = explanation.events, explanation.rival
    base, score = float(values.base), float(values.whole)
    bars = event_bars(explanation)
    item = title(explanation.engine, explanation.item_id)
    over = None if rival is None else title(explanation.engine, rival.item_id)
    margin_over = None
    if rival is not None:
        margin_over = tr("{item} (rank {rank})", item=over, rank=rival.rank)
    grouped = sum(bar.step - bar.first_step + 1 for bar in bars if bar.first_step < bar.step)
    return AnswerView(
        item_id=explanation.item_id,
        standing=joined(
            sentences.standing(
                item,
                explanation.rank,
                explanation.k,
                explanation.is_excluded,
                float(explanation.scores[explanation.item]),
            ),
            _reranked(explanation),
        ),
        summary=sentences.summary(
            score, base, [(bar.label, bar.value) for bar in bars], margin_over
        ),
        trust=sentences.trust(values, grouped),
        recommender=explanation.recommender.id,
        unit=tr("margin over {item}", item=over) if over else LOG_P,
        base=base,
        score=score,
        residual=float(values.residual),
        bars=bars,
        components=""
        if explanation.components is None
        else sentences.components(explanation.components, over),
        ignoring=sentences.ignoring(explanation.recommender.id),
    )


def _reranked(explanation: Explanation) -> str:
    """What a strategy's re-ranking did to the item; empty where none re-ranks."""
    before = explanation.before_reranking
    if before is None:
        return ""
    return sentences.reranked(
        explanation.moved_from, explanation.rank, float(before[explanation.item])
    )


def event_bars(explanation: Explanation) -> tuple[EventBar, ...]:
    """The players of the game as bars."""
    values = explanation.events
    bars = []
    for at, steps in enumerate(explanation.game.players):
        event = explanation.event(steps[-1])
        alone = len(steps) == 1
        called = explanation.engine.corpus.event_title(event)
        name = called if alone else count(len(steps), "event")
        bars.append(
            EventBar(
                step=steps[-1],
                first_step=steps[0],
                timestamp=event.date,
                item=name,
                item_id=event.item_id if alone else "",
                kind=event.kind if alone else None,
                rating=event.rating if alone else None,
                value=float(values.values[at]),
                stderr=float(values.stderr[at]),
            )
        )
    return tuple(bars)


def build_parts(answer: AnswerView, parts: PartValues) -> PartsView:
    """The parts of each event."""
    if not answer.bars:
        return PartsView(tr("There is no event to split."), parts.values)
    first = max(range(len(answer.bars)), key=lambda at: abs(answer.bars[at].value))
    named = dict(zip(PART_NAMES, parts.values[first].tolist(), strict=True))
    sentence = sentences.parts(named, answer.bars[first].label)
    if all(bar.timestamp is None for bar in answer.bars):
        no_times = tr("No event has a time part: the files had no times.")
        sentence = joined(sentence, no_times)
    return PartsView(sentence, parts.values)


def build_words(explanation: Explanation, words: WordsOfReview) -> WordsView:
    """One review, word by word."""
    review = words.review
    labels = review.labels
    item = title(explanation.engine, explanation.item_id)
    return WordsView(
        step=words.step,
        head=review.text[: review.words[0].start] if review.words else "",
        words=tuple(
            MarkedWord(review.text[w.start : w.until], label, float(sentiment), float(score))
            for w, label, sentiment, score in zip(
                review.words, labels, words.sentiment.values, words.score.values, strict=True
            )
        ),
        sentiment_sentence=sentences.words(
            tr("its sentiment"), labels, words.sentiment, review.unread
        ),
        score_sentence=sentences.words(item, labels, words.score, review.unread),
        sum_sentence=sentences.words_sum(words, explanation.text_part(words.step)),
        sentiment_sum=sentences.sentiment_sum(words.sentiment),
        sentiment_doubt=DOUBT * sentences.typical_error(words.sentiment),
        score_doubt=DOUBT * sentences.typical_error(words.score),
    )


def build_change(explanation: Explanation, smallest: SmallestChange) -> ChangeView:
    """The smallest change in words."""
    engine, tried = explanation.engine, smallest.tried
    if smallest.goal == "in":
        edits = smallest.edits or tried.closest
        base, numbers = explanation.history, range(1, len(edits) + 1)
        return ChangeView(
            search_words(engine.corpus, smallest),
            tuple(edit.step for edit in edits if isinstance(edit.step, int)),
            tried.sets,
            "in",
            edits,
            tuple(f"{n}. {edit_words(engine.corpus, base, edits, n)}" for n in numbers),
        )
    named = [
        (step, event_title(engine, explanation.event(step)), edit.rating)
        for edit, step in zip(smallest.edits, smallest.steps, strict=True)
    ]
    replacement = None
    if smallest.replaced_by is not None:
        replacement = title(engine, engine.corpus.item_ids[smallest.replaced_by])
    item = title(engine, explanation.item_id)
    sentence = sentences.change(item, smallest, named, replacement, len(explanation.history))
    return ChangeView(sentence, smallest.steps, tried.sets, "out", smallest.edits)


def build_scorecard(explanation: Explanation, card: Scorecard) -> ScorecardView:
    """The verdict on the explanation on screen."""
    return ScorecardView(
        sentences.scorecard(card, len(explanation.game.players)),
        sentences.stability(card.stability, explanation.events.exact),
        card,
    )


def build_receivers(
    engine: Engine, item_id: str, lists: int, rows: Sequence[Receiver], k: int
) -> ReceiversView:
    """Who gets an item now."""
    corpus = engine.corpus
    said = sentences.receivers(title(engine, item_id), lists, len(corpus.user_ids), k, len(rows))
    return ReceiversView(
        joined(said, trained_on(corpus.sample)),
        tuple(rows),
        tuple(_brought_by(engine, row) for row in rows),
    )


def _brought_by(engine: Engine, row: Receiver) -> str:
    """``step 12 · Title``; ``steps 1–20 · 20 events`` for a group; empty without an event."""
    if row.step is None or row.first_step is None:
        return ""
    event = engine.corpus.history(row.user_id).events[row.step - 1]
    return event_label(row.first_step, row.step, event_title(engine, event))


def tell(explanation: Explanation, words: Sequence[WordsOfReview]) -> list[str]:
    """An explanation in lines, for a terminal."""
    answer = build_answer(explanation)
    parts = explanation.parts.values
    told = (answer.standing, answer.ignoring, answer.summary, answer.trust)
    lines = [*filter(None, told), ""]
    ladder = build_ladder(explanation)
    lines += tell_ladder(ladder) if ladder else []
    ranked = sorted(range(len(answer.bars)), key=lambda at: -abs(answer.bars[at].value))
    for at in ranked[:TOLD]:
        bar = answer.bars[at]
        split = tr(", ").join(
            f"{tr(name)} {nats(value)}"
            for name, value in zip(PART_NAMES, parts[at].tolist(), strict=True)
            if abs(value) >= 5e-4
        )
        lines.append(f"{nats(bar.value):>7}  {day(bar.timestamp):<12} {bar.label}  ({split})")
    if len(ranked) > TOLD:
        more = len(ranked) - TOLD
        lines.append(tr("... and {n} smaller ones (--json lists all)", n=more))
    lines.append("")
    for review in words:
        view = build_words(explanation, review)
        sentiment = view.sentiment_sentence
        lines.append(tr("Words of step {step}: {words}", step=review.step, words=sentiment))
        lines += [view.score_sentence, view.sum_sentence, view.sentiment_sum]
    card = build_scorecard(explanation, explanation.scorecard)
    change = build_change(explanation, explanation.counterfactual)
    lines += [change.sentence, *change.made]
    return [*lines, card.sentence, card.stability, tr(sentences.CAUTION)]


def events_table(answer: AnswerView, parts: PartsView | None) -> pd.DataFrame:
    """The table twin: one row per event, with its parts where they are known."""
    frame = table(answer.bars, EventBar.COLUMNS).fillna({"kind": ""})
    if parts is not None:
        frame[[f"{name}_part" for name in PART_NAMES]] = parts.values
    return frame


def event_title(engine: Engine, event: Event) -> str:
    """What an event's item is called beside the event, in short."""
    return engine.corpus.short_event_title(event, TITLE)


def title(engine: Engine, item_id: str) -> str:
    """What an item is called, in short."""
    return engine.corpus.short_title(item_id, TITLE) if item_id else tr("no item")
