"""Is a model getting old? Three ways to keep one, judged window by window, and their file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import DoubleArray, check_array
from core.evaluate.report import known
from core.evaluate.stored import Arrays, ReportKey, read_stored, save_stored
from core.files import first_kept
from core.language import mark, tr
from core.measure.metrics import Interval, PairedTest, bootstrap, compare_paired

PROTOCOL = "windows"
STALE, UPDATED, RETRAINED = "stale", "updated", "retrained"
REGIMES = (STALE, UPDATED, RETRAINED)
"""The first model; a model updated before each window; one trained anew before each."""
KIND = "windows"


@dataclass(frozen=True, eq=False)
class Asked:
    """The cases of one window: those of its events that are asked, or the held-out ones.

    ``users`` owns each of the n cases; ``gains`` float64[n] are NDCG at k of each case by regime
    and by the number of the window before which the model was made.
    """

    users: tuple[str, ...]
    gains: dict[tuple[str, int], DoubleArray]


@dataclass(frozen=True, eq=False)
class WindowsReport:
    """What every regime was worth in every window.

    ``windows`` are their names and ``begins`` their first days; ``events`` how many events they
    have; ``asked`` the cases of each window, ``held_out`` those never learned (judged by every
    model made later, too); ``seconds`` of making the model before each window, by regime.
    """

    recommender: str
    k: int
    windows: tuple[str, ...]
    begins: tuple[str, ...]
    events: tuple[int, ...]
    asked: tuple[Asked, ...]
    held_out: tuple[Asked, ...]
    seconds: dict[str, tuple[float, ...]]

    @property
    def regimes(self) -> tuple[str, ...]:
        """What was judged, in the order of tables."""
        return tuple(self.seconds)

    def ndcg(self, regime: str, window: int) -> Interval:
        """Mean NDCG of a regime's model in the window before which it was made."""
        asked = self.asked[window]
        return bootstrap(asked.gains[regime, window], asked.users)

    def overall(self, regime: str) -> Interval:
        """Mean NDCG of a regime over the cases of all windows but the first.

        Before the first one all regimes are the same model.
        """
        gains, users = self._pooled(regime)
        return bootstrap(gains, users)

    def overall_lead(self, first: str, second: str) -> PairedTest:
        """One regime against another over the cases of all windows but the first."""
        gains, users = self._pooled(first)
        return compare_paired(gains, self._pooled(second)[0], users)

    def _pooled(self, regime: str) -> tuple[DoubleArray, list[str]]:
        later = range(1, len(self.windows))
        gains = [self.asked[window].gains[regime, window] for window in later]
        users = [user for window in later for user in self.asked[window].users]
        return (np.concatenate(gains) if gains else np.zeros(0)), users

    def loss(self, regime: str) -> Interval:
        """Mean NDCG that was lost on held-out cases of a window between the model made right after
        it and each later one; negative where something was won.
        """
        lost: list[DoubleArray] = []
        users: list[str] = []
        for window, asked in enumerate(self.held_out):
            for later in range(window + 2, len(self.windows)):
                lost.append(asked.gains[regime, window + 1] - asked.gains[regime, later])
                users += asked.users
        return bootstrap(np.concatenate(lost) if lost else np.zeros(0), users)

    def kept(self, regime: str) -> list[float]:
        """Mean NDCG of the model before each window on all earlier windows' held-out cases.

        NaN before the first window.
        """
        means = []
        for made in range(len(self.windows)):
            gains = [asked.gains[regime, made] for asked in self.held_out[:made]]
            whole = np.concatenate(gains) if gains else np.zeros(0)
            means.append(float(whole.mean()) if len(whole) else float("nan"))
        return means

    def to_json(self) -> dict[str, Any]:
        """The JSON object of ``evaluate --protocol windows`` (docs/contracts.md)."""
        earlier = {regime: self.kept(regime) for regime in self.regimes}
        return {
            "protocol": PROTOCOL,
            "recommender": self.recommender,
            "windows": [
                {
                    "window": name,
                    "begin": self.begins[at],
                    "events": self.events[at],
                    "targets": len(self.asked[at].users),
                    "users": len(set(self.asked[at].users)),
                    "regimes": {
                        regime: {
                            **_figures("ndcg", self.ndcg(regime, at)),
                            "earlier": known(earlier[regime][at]),
                            "seconds": self.seconds[regime][at],
                        }
                        for regime in self.regimes
                    },
                }
                for at, name in enumerate(self.windows)
            ],
            "overall": {
                regime: {
                    **_figures("ndcg", self.overall(regime)),
                    **_figures("loss", self.loss(regime)),
                    "seconds": sum(self.seconds[regime][1:]),
                }
                for regime in self.regimes
            },
        }


def _figures(name: str, interval: Interval) -> dict[str, Any]:
    return {name: known(interval.mean), f"{name}_ci": [known(interval.low), known(interval.high)]}


def save_windows(report: WindowsReport, key: ReportKey, path: Path) -> None:
    """Write the report; the same one gives the same bytes."""
    arrays: dict[str, DoubleArray] = {}
    for kind, groups in (("asked", report.asked), ("held_out", report.held_out)):
        for at, group in enumerate(groups):
            for (regime, made), gains in group.gains.items():
                arrays[f"{kind}/{at}/{regime}/{made}"] = gains
    facts = {
        "recommender": report.recommender,
        "k": report.k,
        "windows": list(report.windows),
        "begins": list(report.begins),
        "events": list(report.events),
        "asked": [list(group.users) for group in report.asked],
        "held_out": [list(group.users) for group in report.held_out],
        "seconds": {regime: list(values) for regime, values in report.seconds.items()},
    }
    save_stored(path, KIND, str(key), facts, arrays)


def load_windows(path: Path, key: ReportKey) -> WindowsReport | None:
    """Read what ``save_windows`` wrote; as ``core.evaluate.stored.read_stored``."""

    def build(header: dict[str, Any], arrays: Arrays) -> WindowsReport:
        n, seconds = len(header["windows"]), header["seconds"]
        if any(len(header[name]) != n for name in ("begins", "events", "asked", "held_out")):
            raise ValueError(tr("its windows are incomplete"))
        if any(len(values) != n for values in seconds.values()):
            raise ValueError(tr("its seconds are incomplete"))
        groups: dict[str, tuple[Asked, ...]] = {}
        for kind in ("asked", "held_out"):
            found = []
            for at, users in enumerate(header[kind]):
                made = range(at, at + 1) if kind == "asked" else range(at + 1, n)
                gains = {}
                for regime in seconds:
                    for model in made:
                        array = arrays[f"{kind}/{at}/{regime}/{model}"]
                        shape = (len(users),)
                        gains[regime, model] = check_array(
                            kind, array, np.float64, shape, low=0, high=1
                        )
                found.append(Asked(tuple(users), gains))
            groups[kind] = tuple(found)
        return WindowsReport(
            recommender=str(header["recommender"]),
            k=int(header["k"]),
            windows=tuple(header["windows"]),
            begins=tuple(header["begins"]),
            events=tuple(header["events"]),
            seconds={regime: tuple(map(float, values)) for regime, values in seconds.items()},
            **groups,
        )

    return read_stored(path, KIND, str(key), build)


def first_windows(paths: Iterable[Path], key: ReportKey) -> WindowsReport | None:
    """The first report of this key among some files; ``Damaged`` where only damaged ones are."""
    return first_kept(paths, lambda path: load_windows(path, key), mark("evaluation"))
