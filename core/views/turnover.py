"""How fast lists change, as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.cohorts.traits import difference
from core.compare.turnover import DAY_BINS, EVENT_BINS, Bin, Turnover, curve
from core.language import mark, tr
from core.views.wording import count, joined, percent, sample_sentence, short

Curves = Mapping[str, Sequence[Bin]]
"""Mean overlap against what lies between two lists: ``event``, and ``day`` if there are times."""

OUTSIDE = mark(
    "This user is not in the sample that the model was trained on, so there is no curve of their "
    "own."
)


@dataclass(frozen=True, slots=True)
class TurnoverView:
    """How fast lists change."""

    sentence: str
    """Reads both curves."""
    curves: Curves
    """Those of the corpus."""
    own: Curves
    """One user's; empty without one."""
    cohort: Curves = field(default_factory=dict)
    """A cohort's; empty without one."""
    cohort_name: str = ""
    """What the cohort is called."""


def build_turnover(
    turnover: Turnover,
    user_id: str | None = None,
    cohort: tuple[str, Sequence[str]] | None = None,
    *,
    is_outside: bool = False,
) -> TurnoverView:
    """The curves of a corpus, with one user's and a cohort's (its name and users) beside them.

    ``is_outside``: the user is not in the sample that the model was trained on.
    """
    every = _curves(turnover)
    own = turnover.among([user_id]) if user_id is not None else None
    nothing = tr(OUTSIDE) if is_outside else _unmeasured(own)
    sentence = joined(turnover_sentence(every["event"], own), nothing)
    sentence = joined(sentence, sample_sentence(turnover.sample, "user"))
    curves = _curves(own) if own is not None else {}
    if cohort is None:
        return TurnoverView(sentence, every, curves)
    name, users = cohort
    part = turnover.among(users)
    sentence = joined(sentence, cohort_turnover(name, turnover, part))
    return TurnoverView(sentence, every, curves, _curves(part), name)


def _unmeasured(own: Turnover | None) -> str:
    """That this user was not in the sample; empty for one who was."""
    if own is None or own.measured or not own.user_ids:
        return ""
    return tr("This user is not in the sample, so nothing is known of their lists.")


def cohort_turnover(name: str, every: Turnover, part: Turnover) -> str:
    """How fast a cohort's lists change beside those of all other users."""
    rest = np.isin(np.array(every.user_ids, object), part.user_ids, invert=True)
    first, second = (
        each[np.isfinite(each)].astype(np.float64) for each in (part.change, every.change[rest])
    )
    if not part.measured and part.user_ids:
        return tr("Nobody of {cohort} is in the sample that was measured.", cohort=short(name))
    if not len(first):
        return tr("Nobody of {cohort} has two lists to compare.", cohort=short(name))
    said = tr(
        "In {cohort} one event changes {share} ({users})",
        cohort=short(name),
        share=percent(float(first.mean())),
        users=count(len(first), "user"),
    )
    compared = difference(first, second)
    if compared is None:
        return tr("{sentence}.", sentence=said)
    apart, others = compared[0], percent(float(second.mean()))
    said = tr("{cohort}, {share} for the others", cohort=said, share=others)
    if apart.low <= 0 <= apart.high:
        return tr("{comparison}: no significant difference.", comparison=said)
    if apart.mean > 0:
        return tr("{comparison}: more, beyond chance.", comparison=said)
    return tr("{comparison}: less, beyond chance.", comparison=said)


def _curves(turnover: Turnover) -> Curves:
    by_events = curve(turnover.by_events, EVENT_BINS)
    by_days = curve(turnover.by_days, DAY_BINS)
    timed = any(each.overlap is not None for each in by_days)
    return {"event": by_events} | ({"day": by_days} if timed else {})


def turnover_sentence(by_events: Sequence[Bin], own: Turnover | None) -> str:
    """How fast lists change, in RBO; ``own`` is one user's turnover."""
    if by_events[0].overlap is None:
        return tr("No user has two lists to compare.")
    change = 1 - by_events[0].overlap
    facts = {"share": percent(change), "users": count(by_events[0].users, "user")}
    far = [(b, b.overlap) for b in by_events[1:] if b.overlap is not None]
    if far:
        said = tr(
            "One event changes {share} of a list on average (1 \u2212 RBO, {users}); after "
            "{events}, {left} is left.",
            events=gap(far[-1][0], "event"),
            left=percent(far[-1][1]),
            **facts,
        )
    else:
        said = tr(
            "One event changes {share} of a list on average (1 \u2212 RBO, {users}).", **facts
        )
    if own is None or not len(own.change) or np.isnan(own.change[0]):
        return said
    more = float(own.change[0]) - change
    if abs(more) < 0.03:
        grade = tr("about average")
    else:
        grade = tr("above average") if more > 0 else tr("below average")
    share = percent(float(own.change[0]))
    its = tr("For this user it changes {share}, {grade}.", share=share, grade=grade)
    return joined(said, its)


def gap(between: Bin, noun: str) -> str:
    """``3 to 4 events``, ``365 days or more``."""
    low, high = between.low, between.high
    if high is None:
        return tr("{count} or more", count=count(low, noun))
    if low == high:
        return count(low, noun)
    return tr("{low} to {high}", low=low, high=count(high, noun))


def tell_turnover(turnover: Turnover, cohort: tuple[str, Sequence[str]] | None = None) -> list[str]:
    """A turnover as lines for a terminal, with that of a cohort (its name and users)."""
    view = build_turnover(turnover, None, cohort)
    lines = [view.sentence]
    for curves, who in ((view.curves, ""), (view.cohort, view.cohort_name)):
        for noun, bins in curves.items():
            for b in bins:
                if b.overlap is not None:
                    between = gap(b, noun)
                    between = tr("{cohort}, {gap}", cohort=who, gap=between) if who else between
                    rbo = {"rbo": b.overlap, "n": b.users}
                    lines.append(tr("{gap}: RBO {rbo:.3f} ({n} users)", gap=between, **rbo))
    lines += [
        tr("{user}: {change:.3f} per event", user=user, change=change)
        for user, change in turnover.most_changed(10)
    ]
    return lines
