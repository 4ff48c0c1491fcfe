"""What another recommender would have earned in place of served lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.evaluate.offpolicy import LEAST_ESS, Earned, OffPolicy
from core.measure.metrics import Interval
from core.recommend.registry import NAMES
from core.views.wording import count, listing, number, percent, signed

ABOUT = (
    "Rewards per item shown, from the served lists' own propensities and rewards. SNIPS weighs "
    "what was shown; DR, doubly robust, adds the expected rewards of what was not. 95 % intervals "
    "by bootstrap over users. An item's reward is taken to depend neither on its rank nor on its "
    "neighbours. Effective sample size: Kish's, over users; below "
    f"{LEAST_ESS:.0f} nothing is estimated. Support: how much of a recommender's lists had a "
    "chance to be served, near 1 where all of it had."
)
FAR = 0.1
"""Distance of the support from 1 from which it is said."""


@dataclass(frozen=True, slots=True)
class EarnedRow:
    """One recommender."""

    recommender: str
    """Its id."""
    dr: Interval
    """What it would have earned, doubly robust; NaN where refused."""
    snips: Interval
    """The same by self-normalised inverse propensity scores."""
    gain: Interval
    """DR less what was earned."""
    ess: float
    """Effective sample size."""
    support: float
    """Mean weight over the items that it shows."""

    COLUMNS = (
        "recommender dr=dr.mean dr_low=dr.low dr_high=dr.high snips=snips.mean "
        "snips_low=snips.low snips_high=snips.high gain=gain.mean gain_low=gain.low "
        "gain_high=gain.high ess support"
    )


@dataclass(frozen=True, slots=True)
class OffPolicyView:
    """What the page shows about lists of one name."""

    sentence: str
    """Who would have earned more than the served lists."""
    cautions: tuple[str, ...]
    """What is refused or left out, and why."""
    name: str
    """Of the lists."""
    earned: Interval
    """What they earned per item shown."""
    rows: tuple[EarnedRow, ...]
    """Recommenders, the largest estimate first; refused ones last."""


def build_off_policy(found: OffPolicy) -> OffPolicyView:
    """The view of what was estimated."""
    known = [each for each in found.recommenders if not each.is_refused]
    refused = [each for each in found.recommenders if each.is_refused]
    known.sort(key=lambda each: (-each.dr.mean, each.recommender))
    rows = [
        EarnedRow(each.recommender, each.dr, each.snips, each.gain, each.ess, each.support)
        for each in (*known, *refused)
    ]
    cautions = [_refused(refused)] if refused else []
    far = [each for each in known if abs(each.support - 1) > FAR]
    near = [each for each in known if each not in far]
    if len(near) > 1:
        cautions.append(
            f"Each interval is one recommender's own: none allows for choosing the largest of "
            f"{number(len(near))}."
        )
    if far:
        names = ", ".join(f"{_name(each.recommender)} ({each.support:.2f})" for each in far)
        cautions.append(
            f"Support far from 1: {names}. Part of these lists could never be served, or the "
            "propensities are not those of the lists; the estimates are then about the rest."
        )
    if found.learned:
        cautions.append(
            f"{count(found.learned, 'list')} served before the user's last training event, or on "
            "its day where only days are known, left out: the model has learned what came of them."
        )
    if found.thinned < 1:
        cautions.append(f"{percent(found.thinned)} of the lists were asked about.")
    sentence = _sentence(found, known, near)
    return OffPolicyView(sentence, tuple(cautions), found.name, found.earned, tuple(rows))


def _sentence(found: OffPolicy, known: list[Earned], near: list[Earned]) -> str:
    basis = f"{count(found.lists, 'list')} of {count(found.users, 'user')}"
    served = f"{found.name} earned {_amount(found.earned)} per item shown ({basis})"
    if not known:
        return f"{served}; no recommender can be estimated from these lists."
    if not near:
        return f"{served}; no recommender can be estimated reliably: every support is far from 1."
    best = near[0]
    gain = best.gain
    largest = f", the largest of {number(len(near))} estimates," if len(near) > 1 else ""
    about = (
        f"{_name(best.recommender)}{largest} would have earned {_amount(best.dr)}, a difference of "
        f"{signed(gain.mean, 4)} [{signed(gain.low, 4)}, {signed(gain.high, 4)}]"
    )
    if gain.low > 0:
        return f"{served}; {about}."
    if all(each.gain.high < 0 for each in near):
        every = len(near) == len(found.recommenders)
        whom = "any recommender" if every else "any that can be estimated"
        return f"{served}, more than {whom}: {about}."
    if gain.high < 0:
        return f"{served}; the largest estimate is lower: {about}."
    return f"{served}; no significant difference: {about}."


def _refused(refused: Sequence[Earned]) -> str:
    names = listing([f"{_name(each.recommender)} ({each.ess:.0f})" for each in refused])
    return (
        f"Not estimated, because too little of what they show was served (effective sample size "
        f"below {LEAST_ESS:.0f}): {names}."
    )


def _name(recommender: str) -> str:
    return NAMES.get(recommender, recommender)


def _amount(interval: Interval) -> str:
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def tell_off_policy(view: OffPolicyView) -> list[str]:
    """The view in lines, for a terminal."""
    lines = [view.sentence]
    for row in view.rows:
        said = f"effective sample size {row.ess:.0f}, support {row.support:.2f}"
        if row.dr.mean == row.dr.mean:
            said = f"DR {_amount(row.dr)}  SNIPS {_amount(row.snips)}  {said}"
        lines.append(f"{row.recommender:<18} {said}")
    return [*lines, *view.cautions]
