"""Explain of an item outside the list: the rank at each step, and which one cost the place."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core.explain.explanation import Explanation
from core.explain.ladder import Cause, Ladder, Rung
from core.recommend.joint import SEEN
from core.recommend.registry import NAMES
from core.strategy.adjusted import RERANKING
from core.views.tables import table
from core.views.wording import TITLE, capital, count, listing, nats, number, short

OFFSET = "offset by training events"
EXCLUSION = "exclusion"
RANK = "rank"
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
        steps.append(LadderStep(EXCLUSION, None, rank, None, is_excluded))
    final = None if is_excluded else ladder.rank
    is_alone = not ladder.rungs and not is_excluded
    steps.append(LadderStep(RANK, final, None, None, is_alone))
    title = short(explanation.engine.corpus.title(explanation.item_id), TITLE)
    return LadderView(
        f"{_cause(ladder, title, explanation.recommender.id)}{_passed(ladder)}",
        tuple(steps),
        ladder.k,
        _below(ladder),
    )


def tell_ladder(view: LadderView) -> list[str]:
    """The ladder in lines, for a terminal."""
    lines = [f"Why not? {view.sentence}"]
    for step in view.steps:
        facts = (
            ("rank", step.own_rank and number(step.own_rank)),
            ("margin", None if step.margin is None else nats(step.margin)),
            ("rank without", step.rank_without and number(step.rank_without)),
        )
        said = ", ".join(f"{name} {value}" for name, value in facts if value)
        mark = "*" if step.costs else " "
        lines.append(f"{mark} {capital(step.step):<28} {said or 'none: excluded'}")
    return [*lines, view.below, ""]


def _step(rung: Rung, ladder: Ladder) -> LadderStep:
    is_offset = rung.part == SEEN
    costs = ladder.cause is Cause.OFFSET if is_offset else ladder.part == rung.part
    if rung.part == RERANKING:
        costs = ladder.cause is Cause.RERANKED
    return LadderStep(_name(rung.part), rung.rank, rung.rank_without, rung.margin, costs)


def _name(part: str) -> str:
    return OFFSET if part == SEEN else NAMES.get(part, part)


def _cause(ladder: Ladder, item: str, recommender: str) -> str:
    top, rank, k = f"top {ladder.k}", number(ladder.rank), ladder.k
    if ladder.cause is Cause.EXCLUDED:
        steps = listing([number(step) for step in ladder.excluded_by[:STEPS_NAMED]])
        more = len(ladder.excluded_by) > STEPS_NAMED
        at = f" (step {steps}{' and others' if more else ''})" if steps else ""
        score = f"its score is enough for rank {rank}"
        if ladder.rank > k:
            score = f"without exclusion its rank would be {rank}, not in the {top} either"
        return f"Exclusion costs {item} the place: already bought, rated or reviewed{at}; {score}."
    if ladder.cause is Cause.RERANKED:
        before = next(rung.rank_without for rung in ladder.rungs if rung.part == RERANKING)
        return (
            f"The strategy's re-ranking costs {item} the place: before it the rank was "
            f"{number(before)}; now it is {rank}."
        )
    if ladder.cause is Cause.OFFSET:
        without = next(rung.rank_without for rung in ladder.rungs if rung.part == SEEN)
        seen = count(ladder.training_events or 0, "training event")
        return (
            f"The offset of an item with {seen} costs {item} the place: without it the rank would "
            f"be {number(without)}; now it is {rank}."
        )
    if ladder.cause is Cause.COMPONENT:
        rung = next(rung for rung in ladder.rungs if rung.part == ladder.part)
        own = f"in its own list the item has rank {number(rung.rank or 0)}"
        return (
            f"{capital(_name(rung.part))} costs {item} the place: {own}; without this component "
            f"the joint's rank would be {number(rung.rank_without)}; now it is {rank}."
        )
    if ladder.cause is Cause.OUTWEIGHED:
        inside = [rung for rung in ladder.rungs if rung.rank is not None and rung.rank <= k]
        names = listing([f"{_name(rung.part)} (rank {rung.rank})" for rung in inside])
        return (
            f"No single step costs {item} the place: it is in the {top} of {names}, and the other "
            f"components together outweigh that (rank {rank})."
        )
    if ladder.best is not None:
        best = f"{_name(ladder.best.part)}, rank {number(ladder.best.rank or 0)}"
        return (
            f"{item} scores low everywhere: no component has it in its {top} (best: {best}), and "
            f"no single step would bring it in."
        )
    name, above = NAMES.get(recommender, recommender), count(ladder.rank - 1, "item")
    return f"The score by {name} alone decides: {above} that may be listed score higher."


def _passed(ladder: Ladder) -> str:
    """How exclusion of other items helps."""
    left_out = ladder.rank_in_catalogue - ladder.rank
    if not left_out or ladder.cause is Cause.EXCLUDED:
        return ""
    are, them = ("is", "it") if left_out == 1 else ("are", "them")
    return f" {count(left_out, 'item')} above it {are} excluded because the user has {them}."


def _below(ladder: Ladder) -> str:
    if not ladder.rungs:
        return "Ranks are among the items that may be listed."
    return (
        "Ranks are among the items that may be listed. Margins add up to the item's margin over "
        f"rank {ladder.k}, in nats. Exact: the joint was evaluated without each step."
    ) + (
        " Ranks without a component or the offset are those before re-ranking."
        if any(rung.part == RERANKING for rung in ladder.rungs)
        else ""
    )
