"""Is it getting old? The report's file, its sentences and its figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.evaluate.stored import ReportKey
from core.evaluate.windows import (
    REGIMES,
    RETRAINED,
    STALE,
    UPDATED,
    Asked,
    WindowsReport,
    first_windows,
    save_windows,
)
from core.figures.ageing import ageing_figure
from core.figures.palette import PALETTES
from core.files import Damaged
from core.views.quality.ageing import build_ageing

N = 4
WORTH = {STALE: 0.1, UPDATED: 0.3, RETRAINED: 0.31}


@pytest.fixture
def report() -> WindowsReport:
    """Updates are far better than nothing, as good as training anew, and lose a little."""
    chance = np.random.default_rng(0)
    users = tuple(f"u{n % 40}" for n in range(80))

    def gains(regime: str, lost: float = 0.0) -> np.ndarray:
        values = np.clip(WORTH[regime] - lost + chance.normal(0, 0.02, 80), 0, 1)
        return values.astype(np.float32).astype(np.float64)

    return WindowsReport(
        recommender="joint",
        k=10,
        windows=tuple(f"2024-{month:02}" for month in range(1, N + 1)),
        begins=tuple(f"2024-{month:02}-01" for month in range(1, N + 1)),
        events=(100,) * N,
        asked=tuple(Asked(users, {(name, at): gains(name) for name in REGIMES}) for at in range(N)),
        held_out=tuple(
            Asked(
                users,
                {
                    (name, made): gains(name, 0.05 * (made - at - 1))
                    for name in REGIMES
                    for made in range(at + 1, N)
                },
            )
            for at in range(N)
        ),
        seconds={STALE: (9.0, 0.0, 0.0, 0.0), UPDATED: (9.0, 2.0, 2.0, 2.0), RETRAINED: (9.0,) * N},
    )


def test_it_is_read_as_it_was_written_or_not_at_all(report: WindowsReport, tmp_path: Path) -> None:
    key, path = ReportKey("corpus", "model", "windows"), tmp_path / "report.safetensors"
    save_windows(report, key, path)
    again = first_windows([tmp_path / "none", path], key)
    assert again is not None and again.to_json() == report.to_json()
    assert first_windows([path], ReportKey("other", "model", "windows")) is None
    path.write_bytes(path.read_bytes()[:-100] + b"\x00" * 100)
    with pytest.raises(Damaged):
        first_windows([path], key)


def test_what_it_says(report: WindowsReport) -> None:
    view = build_ageing(report)
    assert "On 240 targets of 40 users" in view.sentence
    assert "Updating is better than leaving it alone: 0.2" in view.sentence
    assert "An update takes 22\u202f% of the seconds." in view.sentence
    assert "Later updates lost 0.06" in view.forgetting
    assert [row.targets for row in view.rows] == [80] * N
    assert np.isnan(view.rows[0].earlier_updated) and view.rows[1].earlier_updated > 0.25


def test_its_figure_has_a_line_for_each_way(report: WindowsReport) -> None:
    figure = ageing_figure(build_ageing(report), PALETTES["light"])
    assert [trace["name"] for trace in figure.to_dict()["data"]] == [
        "first model", "updated", "trained anew",
    ]  # fmt: skip
    assert list(figure.layout.xaxis.ticktext) == list(report.windows)
