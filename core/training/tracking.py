"""The figures of a training in TensorBoard or MLflow, as the one progress callback tells them.

Both are extras, imported only where they are asked for. Nothing else of a training is given away:
no text, no id of a user or an item.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from core.domain import DomainError
from core.language import mark, tr
from core.progress import Progress, ProgressCallback, report

FORM = mark("tensorboard:DIR or mlflow:URI")
POINTS = 200
"""Points of a curve at most: a server is not asked at every batch."""


class Tracker(Protocol):
    """Somebody who keeps the figures of one training."""

    def settings(self, values: Mapping[str, object]) -> None:
        """What the training was asked for; once, before any figure."""

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Figures at a step, which counts up."""

    def close(self, done: bool) -> None:
        """No more figures; ``done`` unless the training failed or was stopped."""


class TensorBoard:
    """A run in a folder of event files."""

    def __init__(self, place: str, run: str) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise _missing("tensorboard", error) from None
        self._writer: Any = SummaryWriter(str(Path(place) / run))

    def settings(self, values: Mapping[str, object]) -> None:
        """As a text; TensorBoard shows it as a table."""
        rows = "".join(f"| {name} | {value} |\n" for name, value in values.items())
        self._writer.add_text("settings", f"| setting | value |\n|---|---|\n{rows}")  # no sentence

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """One scalar each."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self, done: bool) -> None:
        """The files are whole as they are."""
        self._writer.close()


class MLflow:
    """A run on a tracking server, or in a folder or database of MLflow's."""

    def __init__(self, place: str, run: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            import mlflow
        except ImportError as error:
            raise _missing("mlflow", error) from None
        self._mlflow: Any = mlflow
        mlflow.set_tracking_uri(place)
        mlflow.set_experiment("tastelines")
        mlflow.start_run(run_name=run)

    def settings(self, values: Mapping[str, object]) -> None:
        """As parameters."""
        self._mlflow.log_params({_plain(name): str(value)[:500] for name, value in values.items()})

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """As metrics; MLflow refuses signs such as @ in their names."""
        self._mlflow.log_metrics({_plain(name): v for name, v in values.items()}, step=step)

    def close(self, done: bool) -> None:
        """The run is finished or failed."""
        self._mlflow.end_run("FINISHED" if done else "FAILED")


TRACKERS: dict[str, Callable[[str, str], Tracker]] = {"tensorboard": TensorBoard, "mlflow": MLflow}
"""By the word before the colon."""


def open_tracker(asked: str, corpus: str) -> Tracker:
    """The tracker that ``--log`` asks for, with a run of its own named by corpus and time.

    DomainError for another form, where the package is not installed, and where the place can't be
    opened.
    """
    kind, _, place = asked.partition(":")
    if kind not in TRACKERS or not place:
        form = tr(FORM)
        problem = tr("{asked!r} is not {form}", asked=asked, form=form)
        raise DomainError(problem, where="--log", remedy=tr("Use {form}", form=form))
    try:
        return TRACKERS[kind](place, f"{corpus}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    except DomainError:
        raise
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise DomainError(
            tr("{kind} can't log to {place!r}: {reason}", kind=kind, place=place, reason=said),
            where="--log",
            remedy=tr("Choose another place"),
        ) from None


class Tracking:
    """A training's figures on their way to a tracker; the training never fails with it."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._logged: tuple[str, int] = "", -1
        self._said: tuple[str, int] = "", -1
        self.problem = ""
        """Why nothing more is logged; empty while it is."""

    def told(self, progress: ProgressCallback | None) -> ProgressCallback:
        """A callback that logs the figures of reports, by their stage, and passes all on.

        Of a stage at most ``POINTS`` are logged, evenly, and what is said of a step again: that of
        an epoch's last one with the epoch's validation figures.
        """

        def tell(said: Progress) -> None:
            place = said.stage, POINTS * said.done // max(said.total, 1)
            step = said.stage, said.done
            is_again, self._said = step == self._said, step
            if said.figures and (place != self._logged or is_again):
                self._logged = place
                stage = said.stage.replace("/", " ")
                values = {f"{stage}/{name}": value for name, value in said.figures.items()}
                self._try(lambda: self._tracker.figures(said.done, values))
            report(progress, said)

        return tell

    def settings(self, values: Mapping[str, object]) -> None:
        """What the training was asked for."""
        self._try(lambda: self._tracker.settings(values))

    def results(self, values: Mapping[str, float]) -> None:
        """What came of it, as figures at step 0."""
        self._try(lambda: self._tracker.figures(0, values))

    def close(self, done: bool) -> None:
        """End the run, whatever was wrong with it."""
        self._try(lambda: self._tracker.close(done), even_so=True)

    def _try(self, log: Callable[[], None], *, even_so: bool = False) -> None:
        if self.problem and not even_so:
            return
        try:
            log()
        except Exception as error:
            self.problem = self.problem or (str(error).splitlines() or [type(error).__name__])[0]
            logging.getLogger(__name__).info("the tracker failed", exc_info=True)


def _plain(name: str) -> str:
    return re.sub(r"[^\w\-. /]", "_", name)


def _missing(package: str, error: ImportError) -> DomainError:
    return DomainError(
        tr("{package} can't be imported: {reason}", package=package, reason=error),
        where="--log",
        remedy=tr("Install it: {command}", command=f"pip install {package}"),  # no sentence
    )
