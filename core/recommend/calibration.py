"""Scores become honest probabilities: a curve fitted by maximum likelihood on validation cases.

An item's logit is ``slope * knee * asinh(score / (scale * knee)) + prior * log p`` where p is its
smoothed share of training events. The arcus sinus keeps the order of the scores: linear while they
are small against the knee, logarithmic above, so that both similarities and counts find a curve.
What a user already had is a world of its own: together those items get the share ``repeat``, which
is how often validation targets were among them. Otherwise a recommender would give most of its
probability to items that no list may contain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import DoubleArray, FloatArray, IntArray
from core.ranking import ExcludedItems

MOST_CELLS = 2_000_000
"""Scores that a fit looks at; more cases than that are thinned evenly."""
_START = (0.0, 0.0, 0.5)
_BOUNDS = ((-6.0, 6.0), (-5.0, 5.0), (0.0, 2.0))


@dataclass(frozen=True)
class Calibration:
    """The fitted curve; see the module for what each number does."""

    scale: float = 1.0
    slope: float = 1.0
    knee: float = 1.0
    prior: float = 1.0
    repeat: float = 0.01

    @classmethod
    def read(cls, facts: dict[str, Any]) -> Calibration:
        """A curve from JSON; ValueError or TypeError for numbers that no fit gives."""
        curve = cls(**{name: float(value) for name, value in facts.items()})
        positive = (curve.scale, curve.slope, curve.knee)
        if not (
            all(0 < number < 1e30 for number in positive)
            and 0 <= curve.prior <= 100
            and 0 < curve.repeat < 1
        ):
            raise ValueError(f"a calibration can't be {curve}")
        return curve

    def log_probabilities(
        self, scores: FloatArray, log_share: FloatArray, consumed: ExcludedItems
    ) -> FloatArray:
        """Natural logs of probabilities over the catalogue, float32[n, n_items].

        ``scores`` float32[n, n_items]; a row of zeros has no evidence and gets the training shares
        themselves. ``log_share`` float32[n_items] sums to 1 when exponentiated.
        """
        logits: FloatArray = scores / np.float32(self.scale * self.knee)
        np.arcsinh(logits, out=logits)
        logits *= np.float32(self.slope * self.knee)
        if self.prior:
            logits += np.float32(self.prior) * log_share
        logits[~scores.any(axis=1)] = log_share
        return normalise(logits, consumed, self.repeat)


def normalise(logits: FloatArray, consumed: ExcludedItems, repeat: float) -> FloatArray:
    """Turn logits float32[n, n_items] into log-probabilities in place and return them.

    Consumed items share ``repeat`` among them, the others the rest; a row with only one of the two
    kinds gives it everything.
    """
    n, n_items = logits.shape
    rows = consumed.rows
    size = np.bincount(rows, minlength=n)
    had = logits[rows, consumed.items].astype(np.float64)
    highest = np.full(n, -np.inf)
    np.maximum.at(highest, rows, had)
    had -= highest[rows]
    old = np.bincount(rows, np.exp(had), minlength=n)
    old_share = np.where(size < n_items, np.log(repeat), 0.0)
    logits[rows, consumed.items] = -np.inf
    top = logits.max(axis=1)
    top[size == n_items] = 0.0
    logits -= top[:, None]
    new = np.exp(logits).sum(axis=1, dtype=np.float64)
    new_share = np.where(size > 0, np.log1p(-repeat), 0.0)
    logits += (new_share - np.log(np.maximum(new, 1.0)))[:, None].astype(np.float32)
    logits[rows, consumed.items] = had + (old_share - np.log(np.maximum(old, 1.0)))[rows]
    return logits


def log_training_share(counts: IntArray, smoothing: float = 0.5) -> FloatArray:
    """Log of each item's share of training events, ``smoothing`` added to every count.

    ``counts`` int64[n_items] to float32[n_items]; an unseen item has a small share, never none.
    """
    share = counts.astype(np.float64) + smoothing
    return np.asarray(np.log(share / share.sum()), np.float32)


def fit_calibration(
    scores: FloatArray,
    targets: IntArray,
    consumed: ExcludedItems,
    log_share: FloatArray,
    with_prior: bool,
) -> Calibration:
    """The curve under which the validation targets are likeliest.

    ``scores`` float32[n, n_items], ``targets`` int64[n]. Without ``with_prior`` the order of the
    scores is kept as it is; with it popular items gain. Without cases: the default.
    """
    n, n_items = scores.shape
    repeated = consumed.contain(targets)
    repeat = (float(repeated.sum()) + 1.0) / (n + 100.0)
    size = np.abs(scores[scores != 0])
    if len(size) == 0 or repeated.all():
        return Calibration(prior=1.0, repeat=repeat)
    scale = float(size.mean())
    eligible = np.ones((n, n_items), np.bool_)
    eligible[consumed.rows, consumed.items] = False
    usable = np.flatnonzero(~repeated & scores.any(axis=1))
    most = max(MOST_CELLS // n_items, 64)
    rows = usable[:: max(-(-len(usable) // most), 1)]
    if len(rows) == 0:
        return Calibration(scale=scale, repeat=repeat)
    scores, targets, eligible = scores[rows] / np.float32(scale), targets[rows], eligible[rows]
    cases = np.arange(len(rows))

    def loss(point: DoubleArray) -> tuple[float, DoubleArray]:
        """Mean negative log-likelihood and its gradient in (log slope, log knee, prior)."""
        slope, knee = np.exp(point[:2]).astype(np.float32)
        ratio = scores / knee
        curve = slope * knee * np.arcsinh(ratio)
        logits = np.where(eligible, curve + np.float32(point[2]) * log_share, -np.inf)
        logits -= logits.max(axis=1, keepdims=True)
        mass = np.exp(logits)
        total = mass.sum(axis=1, keepdims=True)
        mass /= total
        losses = np.log(total[:, 0]) - logits[cases, targets]
        bend = curve - slope * scores / np.sqrt(1.0 + ratio * ratio)
        gradient = [
            ((mass * term).sum(axis=1) - term[cases, targets]).mean()
            for term in (curve, bend, np.broadcast_to(log_share, mass.shape))
        ]
        return float(losses.mean()), np.array(gradient, np.float64)

    from scipy.optimize import minimize

    bounds = _BOUNDS if with_prior else (*_BOUNDS[:2], (0.0, 0.0))
    start = np.array(_START if with_prior else (*_START[:2], 0.0))
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    slope, knee, prior = fit.x
    return Calibration(scale, float(np.exp(slope)), float(np.exp(knee)), float(prior), repeat)
