"""What long work writes where there is no terminal."""

from __future__ import annotations

import pytest

from core.cli.output import PLAIN_SECONDS, plain_progress
from core.progress import Progress


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    show = plain_progress(lambda: now[0])
    for second in range(int(3 * PLAIN_SECONDS)):
        now[0] = float(second)
        show(Progress("Encoding texts", second, 100, 75.0, {"loss": 1.5}))
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 2
    assert lines[0] == f"Encoding texts: {PLAIN_SECONDS:.0f}%, loss 1.5, 1 min 15 s left"


def test_short_work_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show = plain_progress(lambda: 0.0)
    show(Progress("reading", 1, 0))
    assert capsys.readouterr().err == ""
