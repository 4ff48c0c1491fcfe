"""What another recommender would have earned in place of served lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.evaluate.offpolicy import LEAST_ESS, Earned, OffPolicy
from core.language import mark, tr
from core.measure.metrics import Interval
from core.recommend.registry import NAMES
from core.views.wording import count, listing, number, percent, signed

ABOUT = mark(
    "Rewards per item shown, from the served lists' own propensities and rewards. SNIPS weighs "
    "what was shown; DR, doubly robust, adds the expected rewards of what was not. 95 % intervals "
    "by bootstrap over users. An item's reward is taken to depend neither on its rank nor on its "
    "neighbours. Effective sample size: Kish's, over users; below "
    "{least:.0f} nothing is estimated. Support: how much of a recommender's lists had a chance to "
    "be served, near 1 where all of it had."
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


def about() -> str:
    """What the estimates are, below them."""
    return tr(ABOUT, least=LEAST_ESS)


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
            tr(
                "Each interval is one recommender's own: none allows for choosing the largest of "
                "{n}.",
                n=number(len(near)),
            )
        )
    if far:
        names = tr(", ").join(_beside(each, f"{each.support:.2f}") for each in far)
        cautions.append(
            tr(
                "Support far from 1: {names}. Part of these lists could never be served, or the "
                "propensities are not those of the lists; the estimates are then about the rest.",
                names=names,
            )
        )
    if found.learned:
        cautions.append(
            tr(
                "{lists} served before the user's last training event, or on its day where only "
                "days are known, left out: the model has learned what came of them.",
                lists=count(found.learned, "list"),
            )
        )
    if found.outside:
        cautions.append(
            tr(
                "{lists} of users outside of the sample left out.",
                lists=count(found.outside, "list"),
            )
        )
    if found.thinned < 1:
        share = percent(found.thinned)
        cautions.append(tr("{share} of the lists were asked about.", share=share))
    sentence = _sentence(found, known, near)
    return OffPolicyView(sentence, tuple(cautions), found.name, found.earned, tuple(rows))


def _sentence(found: OffPolicy, known: list[Earned], near: list[Earned]) -> str:
    served = tr(
        "{name} earned {amount} per item shown ({lists} of {users})",
        name=found.name,
        amount=_amount(found.earned),
        lists=count(found.lists, "list"),
        users=count(found.users, "user"),
    )
    if not known:
        return tr("{served}; no recommender can be estimated from these lists.", served=served)
    if not near:
        return tr(
            "{served}; no recommender can be estimated reliably: every support is far from 1.",
            served=served,
        )
    best = near[0]
    gain = best.gain
    values = {
        "name": _name(best.recommender),
        "amount": _amount(best.dr),
        "gain": f"{signed(gain.mean, 4)} [{signed(gain.low, 4)}, {signed(gain.high, 4)}]",
    }
    about = tr("{name} would have earned {amount}, a difference of {gain}", **values)
    if len(near) > 1:
        about = tr(
            "{name}, the largest of {n} estimates, would have earned {amount}, a difference of "
            "{gain}",
            n=number(len(near)),
            **values,
        )
    said = {"served": served, "about": about}
    if gain.low > 0:
        return tr("{served}; {about}.", **said)
    if all(each.gain.high < 0 for each in near):
        if len(near) == len(found.recommenders):
            return tr("{served}, more than any recommender: {about}.", **said)
        return tr("{served}, more than any that can be estimated: {about}.", **said)
    if gain.high < 0:
        return tr("{served}; the largest estimate is lower: {about}.", **said)
    return tr("{served}; no significant difference: {about}.", **said)


def _refused(refused: Sequence[Earned]) -> str:
    return tr(
        "Not estimated, because too little of what they show was served (effective sample size "
        "below {least:.0f}): {names}.",
        least=LEAST_ESS,
        names=listing([_beside(each, f"{each.ess:.0f}") for each in refused]),
    )


def _name(recommender: str) -> str:
    return tr(NAMES.get(recommender, recommender))


def _beside(each: Earned, value: str) -> str:
    return tr("{name} ({value})", name=_name(each.recommender), value=value)


def _amount(interval: Interval) -> str:
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"


def tell_off_policy(view: OffPolicyView) -> list[str]:
    """The view in lines, for a terminal."""
    lines = [view.sentence]
    for row in view.rows:
        said = tr(
            "effective sample size {ess:.0f}, support {support:.2f}",
            ess=row.ess,
            support=row.support,
        )
        if row.dr.mean == row.dr.mean:
            said = f"DR {_amount(row.dr)}  SNIPS {_amount(row.snips)}  {said}"  # no sentence
        lines.append(f"{row.recommender:<18} {said}")
    return [*lines, *view.cautions]
