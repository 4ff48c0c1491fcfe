"""Is a model getting old? What three ways to keep it are worth, window by window."""

from __future__ import annotations

from dataclasses import dataclass

from core.evaluate.windows import REGIMES, RETRAINED, STALE, UPDATED, WindowsReport
from core.language import mark, tr
from core.measure.metrics import Interval, PairedTest
from core.views.wording import between, count, joined, percent

WAYS = {
    STALE: mark("the first model"),
    UPDATED: mark("the updated one"),
    RETRAINED: mark("the one trained anew"),
}
ABOUT = mark(
    "Before each window but the first a model is updated from the one before it, and another is "
    "trained from nothing, on the same events. Targets are a window's events of users with five or "
    "more events, 2,000 at most, with all that the user did before known; intervals draw users. A "
    "fifth of each window's events is never learned: there later models show what they have "
    "forgotten. All models know the whole catalogue."
)

UPDATING = (
    mark("No significant difference between updating and leaving it alone: {difference}."),
    mark("Updating is better than leaving it alone: {difference}."),
    mark("Updating is worse than leaving it alone: {difference}."),
)
TRAINING = (
    mark("No significant difference between training anew and updating: {difference}."),
    mark("Training anew is better than updating: {difference}."),
    mark("Training anew is worse than updating: {difference}."),
)


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One calendar window."""

    window: str
    """Its name."""
    events: int
    """Its events."""
    targets: int
    """Targets asked."""
    users: int
    """Users who own them."""
    stale: str
    """NDCG of the first model, with its 95 % interval."""
    updated: str
    """NDCG of the updated model, with its 95 % interval."""
    retrained: str
    """NDCG of the model trained anew, with its 95 % interval."""
    earlier_updated: float
    """NDCG of the updated model on earlier windows' held-out events; NaN before there are any."""
    earlier_retrained: float
    """The same of the model trained anew."""
    update_seconds: float
    """Seconds of the update."""
    retrain_seconds: float
    """Seconds of training anew."""

    COLUMNS = (
        "window events targets users stale updated retrained earlier_updated earlier_retrained "
        "update_seconds retrain_seconds"
    )


@dataclass(frozen=True, slots=True)
class AgeingView:
    """What the page shows."""

    sentence: str
    """What updating and training anew are worth against leaving a model alone, and their cost."""
    forgetting: str
    """What updates forgot."""
    rows: tuple[WindowRow, ...]
    """The windows, the oldest first."""
    lines: dict[str, tuple[Interval, ...]]
    """NDCG in each window by regime."""
    k: int
    """Length of the lists."""


def build_ageing(report: WindowsReport) -> AgeingView:
    """The view of a report."""
    kept = {regime: report.kept(regime) for regime in (UPDATED, RETRAINED)}
    lines = {
        regime: tuple(report.ndcg(regime, at) for at in range(len(report.windows)))
        for regime in REGIMES
    }
    rows = [
        WindowRow(
            window=name,
            events=report.events[at],
            targets=len(report.asked[at].users),
            users=len(set(report.asked[at].users)),
            stale=_said(lines[STALE][at]),
            updated=_said(lines[UPDATED][at]),
            retrained=_said(lines[RETRAINED][at]),
            earlier_updated=kept[UPDATED][at],
            earlier_retrained=kept[RETRAINED][at],
            update_seconds=report.seconds[UPDATED][at],
            retrain_seconds=report.seconds[RETRAINED][at],
        )
        for at, name in enumerate(report.windows)
    ]
    return AgeingView(
        ageing_sentence(report), forgetting_sentence(report), tuple(rows), lines, report.k
    )


def ageing_sentence(report: WindowsReport) -> str:
    """Who is better over all windows after the first, and at what cost."""
    gains = {regime: report.overall(regime) for regime in WAYS}
    spent = {regime: sum(report.seconds[regime][1:]) for regime in (UPDATED, RETRAINED)}
    targets = sum(len(asked.users) for asked in report.asked[1:])
    users = len({user for asked in report.asked[1:] for user in asked.users})
    said = joined(
        tr(
            "On {targets} of {users} in the windows after the first, NDCG@{k} is {stale:.3f} by "
            "the first model, {updated:.3f} by the updated one and {retrained:.3f} by the one "
            "trained anew.",
            targets=count(targets, "target"),
            users=count(users, "user"),
            k=report.k,
            stale=gains[STALE].mean,
            updated=gains[UPDATED].mean,
            retrained=gains[RETRAINED].mean,
        ),
        _verdict(report.overall_lead(UPDATED, STALE), UPDATING),
        _verdict(report.overall_lead(RETRAINED, UPDATED), TRAINING),
    )
    if spent[RETRAINED] <= 0:
        return said
    share = percent(spent[UPDATED] / spent[RETRAINED])
    return joined(said, tr("An update takes {share} of the seconds.", share=share))


def _verdict(test: PairedTest, said: tuple[str, str, str]) -> str:
    equal, better, worse = said
    decided = better if test.difference.mean > 0 else worse
    return tr(decided if test.decided else equal, difference=between(test.difference))


def forgetting_sentence(report: WindowsReport) -> str:
    """What later updates lost on held-out events of earlier windows."""
    loss = report.loss(UPDATED)
    cases = sum(len(asked.users) for asked in report.held_out[:-2])
    if not cases:
        return tr("No held-out event of an earlier window was asked again.")
    said = {"loss": between(loss), "events": count(cases, "held-out event")}
    if loss.low > 0:
        return tr("Later updates lost {loss} of NDCG on {events} of earlier windows.", **said)
    if loss.high < 0:
        return tr(
            "Later updates forgot nothing: a loss of {loss} on {events} of earlier windows.", **said
        )
    return tr("No significant forgetting: a loss of {loss} on {events} of earlier windows.", **said)


def _said(interval: Interval) -> str:
    if interval.mean != interval.mean:
        return "–"
    return f"{interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}]"
