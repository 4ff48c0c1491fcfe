"""Random edits of a history, valid by construction, for hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import strategies as st

from core.corpus.corpus import Corpus
from core.domain import History
from core.scenario.edits import Edit, Handle, Op, apply_edits


@st.composite
def edit_lists(draw: st.DrawFn, corpus: Corpus, base: History, texts: Sequence[str]) -> list[Edit]:
    """Up to six edits, each of what the ones before it left."""
    edits: list[Edit] = []
    times = [event.timestamp for event in base.events]
    for _ in range(draw(st.integers(0, 6))):
        now = apply_edits(base, edits, corpus)
        ties = _ties(now.origins, [event.timestamp for event in now.history.events])
        ops = [Op.ADD, *([Op.EDIT, Op.DELETE, Op.RATE, Op.DATE] if now.origins else [])]
        op = draw(st.sampled_from([*ops, *([Op.MOVE] if ties else [])]))
        step = draw(st.sampled_from(now.origins)) if now.origins else None
        edits.append(draw(_one(op, step, corpus, times, texts, ties)))
    return edits


@st.composite
def _one(
    draw: st.DrawFn,
    op: Op,
    step: Handle | None,
    corpus: Corpus,
    times: Sequence[datetime],
    texts: Sequence[str],
    ties: list[tuple[Handle, Handle]],
) -> Edit:
    text, rating = st.sampled_from(texts), st.sampled_from([1.0, 2.5, 5.0])
    near = st.sampled_from([0, 0, 1, 86_400, -86_400 * 30])
    time = draw(st.sampled_from(times)) + timedelta(seconds=draw(near))
    if op is Op.ADD:
        return Edit(
            op,
            item_id=draw(st.sampled_from(corpus.item_ids)),
            timestamp=time,
            text=draw(st.none() | text),
            rating=draw(st.none() | rating),
        )
    if op is Op.EDIT:
        return Edit(op, step, text=draw(text))
    if op is Op.RATE:
        return Edit(op, step, rating=draw(rating))
    if op is Op.DATE:
        return Edit(op, step, timestamp=time)
    if op is Op.MOVE:
        one, other = draw(st.sampled_from(ties))
        return Edit(op, one, to=other)
    return Edit(op, step)


def _ties(handles: Sequence[Handle], times: Sequence[datetime]) -> list[tuple[Handle, Handle]]:
    return [
        (one, other)
        for one, at in zip(handles, times, strict=True)
        for other, also in zip(handles, times, strict=True)
        if one != other and at == also
    ]
