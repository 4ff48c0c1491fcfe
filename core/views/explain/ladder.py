"""Explain of an item outside the list: the rank at each step, and which one cost the place."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core.explain.explanation import Explanation
from core.explain.ladder import Cause, Ladder, Rung
from core.language import mark, tr, trn
from core.recommend.joint import SEEN
from core.recommend.registry import NAMES
from core.strategy.adjusted import RERANKING
from core.views.tables import table
from core.views.wording import TITLE, capital, count, joined, listing, nats, number

OFFSET = mark("offset by training events")
EXCLUSION = mark("exclusion")
RANK = mark("rank")
STEPS_NAMED = 3


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One step from the components to the place."""

    step: str
    """A component, the offset, the exclusion, or the rank itself."""
    own_rank: int | None
    """The item's rank in a component's own list; of the last row its rank in the list."""
    rank_without: int | None
    """Its rank in the list without this step."""
    margin: float | None
    """What the step adds beyond the list's last item, nats."""
    costs: bool
    """Whether this step cost the place."""

    COLUMNS = "step own_rank margin rank_without"


@dataclass(frozen=True, slots=True)
class LadderView:
    """Why an item is not in the list."""

    sentence: str
    """Which step cost the place."""
    steps: tuple[LadderStep, ...]
    """Components, offset, exclusion, and the rank, in this order."""
    k: int
    """Length of the list."""
    below: str
    """How to read the ranks."""

    @property
    def has_components(self) -> bool:
        """Whether there is more than the rank to draw."""
        return any(step.margin is not None for step in self.steps)

    @property
    def table(self) -> pd.DataFrame:
        """One row per step."""
        frame = table(self.steps, LadderStep.COLUMNS)
        return frame.astype({"own_rank": "Int64", "rank_without": "Int64", "margin": float})


def build_ladder(explanation: Explanation) -> LadderView | None:
    """The ladder in words; None for an item of the list."""
    ladder = explanation.ladder
    if ladder is None:
        return None
    is_excluded = ladder.cause is Cause.EXCLUDED
    steps = [_step(rung, ladder) for rung in ladder.rungs]
    if explanation.excluded.any():
        rank = ladder.rank if is_excluded else ladder.rank_in_catalogue
        steps.append(LadderStep(tr(EXCLUSION), None, rank, None, is_excluded))
    final = None if is_excluded else ladder.rank
    is_alone = not ladder.rungs and not is_excluded
    steps.append(LadderStep(tr(RANK), final, None, None, is_alone))
    title = explanation.engine.corpus.short_title(explanation.item_id, TITLE)
    return LadderView(
        joined(_cause(ladder, title, explanation.recommender.id), _passed(ladder)),
        tuple(steps),
        ladder.k,
        _below(ladder),
    )


def tell_ladder(view: LadderView) -> list[str]:
    """The ladder in lines, for a terminal."""
    lines = [tr("Why not? {sentence}", sentence=view.sentence)]
    for step in view.steps:
        facts = (
            (tr("rank"), step.own_rank and number(step.own_rank)),
            (tr("margin"), None if step.margin is None else nats(step.margin)),
            (tr("rank without"), step.rank_without and number(step.rank_without)),
        )
        said = tr(", ").join(f"{name} {value}" for name, value in facts if value)
        said, star = said or tr("none: excluded"), "*" if step.costs else " "
        lines.append(f"{star} {capital(step.step):<28} {said}")
    return [*lines, view.below, ""]


def _step(rung: Rung, ladder: Ladder) -> LadderStep:
    is_offset = rung.part == SEEN
    costs = ladder.cause is Cause.OFFSET if is_offset else ladder.part == rung.part
    if rung.part == RERANKING:
        costs = ladder.cause is Cause.RERANKED
    return LadderStep(_name(rung.part), rung.rank, rung.rank_without, rung.margin, costs)


def _name(part: str) -> str:
    if part == RERANKING:
        return tr("re-ranking")
    return tr(OFFSET if part == SEEN else NAMES.get(part, part))


def _cause(ladder: Ladder, item: str, recommender: str) -> str:
    rank, k = number(ladder.rank), ladder.k
    told = {"item": item, "rank": rank}
    if ladder.cause is Cause.EXCLUDED:
        had = tr("already bought, rated or reviewed")
        steps = listing([number(step) for step in ladder.excluded_by[:STEPS_NAMED]])
        if len(ladder.excluded_by) > STEPS_NAMED:
            steps = tr("{steps} and others", steps=steps)
        if steps:
            had = tr("already bought, rated or reviewed (step {steps})", steps=steps)
        if ladder.rank > k:
            return tr(
                "Exclusion costs {item} the place: {had}; without exclusion its rank would be "
                "{rank}, not in the top {k} either.",
                **told,
                had=had,
                k=k,
            )
        return tr(
            "Exclusion costs {item} the place: {had}; its score is enough for rank {rank}.",
            **told,
            had=had,
        )
    if ladder.cause is Cause.RERANKED:
        before = next(rung.rank_without for rung in ladder.rungs if rung.part == RERANKING)
        return tr(
            "The strategy's re-ranking costs {item} the place: before it the rank was {before}; "
            "now it is {rank}.",
            **told,
            before=number(before),
        )
    if ladder.cause is Cause.OFFSET:
        without = next(rung.rank_without for rung in ladder.rungs if rung.part == SEEN)
        return tr(
            "The offset of an item with {seen} costs {item} the place: without it the rank would "
            "be {without}; now it is {rank}.",
            **told,
            seen=count(ladder.training_events or 0, "training event"),
            without=number(without),
        )
    if ladder.cause is Cause.COMPONENT:
        rung = next(rung for rung in ladder.rungs if rung.part == ladder.part)
        return tr(
            "{component} costs {item} the place: in its own list the item has rank {own}; without "
            "this component the joint's rank would be {without}; now it is {rank}.",
            **told,
            component=capital(_name(rung.part)),
            own=number(rung.rank or 0),
            without=number(rung.rank_without),
        )
    if ladder.cause is Cause.OUTWEIGHED:
        inside = [rung for rung in ladder.rungs if rung.rank is not None and rung.rank <= k]
        named = [
            tr("{name} (rank {rank})", name=_name(rung.part), rank=rung.rank) for rung in inside
        ]
        return tr(
            "No single step costs {item} the place: it is in the top {k} of {names}, and the "
            "other components together outweigh that (rank {rank}).",
            **told,
            k=k,
            names=listing(named),
        )
    if ladder.best is not None:
        return tr(
            "{item} scores low everywhere: no component has it in its top {k} (best: {best}, rank "
            "{rank}), and no single step would bring it in.",
            item=item,
            k=k,
            best=_name(ladder.best.part),
            rank=number(ladder.best.rank or 0),
        )
    return tr(
        "The score by {name} alone decides: {items} that may be listed score higher.",
        name=_name(recommender),
        items=count(ladder.rank - 1, "item"),
    )


def _passed(ladder: Ladder) -> str:
    """How exclusion of other items helps."""
    left_out = ladder.rank_in_catalogue - ladder.rank
    if not left_out or ladder.cause is Cause.EXCLUDED:
        return ""
    return trn(
        "{n} item above it is excluded because the user has it.",
        "{n} items above it are excluded because the user has them.",
        left_out,
        n=number(left_out),
    )


def _below(ladder: Ladder) -> str:
    said = tr("Ranks are among the items that may be listed.")
    if not ladder.rungs:
        return said
    margins = tr(
        "Margins add up to the item's margin over rank {k}, in nats. Exact: the joint was "
        "evaluated without each step.",
        k=ladder.k,
    )
    before = ""
    if any(rung.part == RERANKING for rung in ladder.rungs):
        before = tr("Ranks without a component or the offset are those before re-ranking.")
    return joined(said, margins, before)
