"""The question that Monitor asks: of whom, over which periods; its job and its answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import jobs, language
from core.arrays import BoolArray
from core.cohorts.store import Cohort
from core.corpus.corpus import Corpus
from core.evaluate.served import lists_path
from core.jobs import Job
from core.language import tr
from core.monitor.monitoring import Monitored, monitor
from core.monitor.periods import read_unit
from core.progress import ProgressCallback, StopCallback
from core.views.monitor.build import build_monitor
from core.views.monitor.rows import MonitorView
from pages._shared import cohorts, drawing, loaders, notices, state, working
from pages._shared.loaders import Fingerprint
from pages._shared.state import COHORT_SAVED

if TYPE_CHECKING:
    from core.engine import Engine


def _files(corpus: Corpus, engine: Engine | None, *rest: object) -> Fingerprint:
    """The files of the model's evaluation and of imported lists."""
    library = loaders.library()
    places = sorted(lists_path(library, corpus.name, "any").parent.glob("*.parquet"))
    if engine is not None:
        from core.evaluate.protocols import PROTOCOLS, report_key, report_places

        for protocol in PROTOCOLS:
            key = report_key(corpus, engine.folder, protocol)
            places += report_places(library, engine.folder, key)
    return tuple(map(loaders.stamp, places))


@dataclass(eq=False)
class Watch:
    """The job that answers one question, and its answer."""

    job: Job[tuple[Monitored, MonitorView]] | None = None


@loaders.kept(8, also=_files)
def watched(
    corpus: Corpus,
    engine: Engine | None,
    period: str,
    since: str | None,
    name: str | None,
    users: BoolArray | None,
) -> Watch:
    return Watch()


def monitored(
    corpus: Corpus,
    engine: Engine | None,
    period: str,
    since: str | None,
    picked: tuple[Cohort, BoolArray] | None,
) -> tuple[Monitored, MonitorView] | None:
    """What the monitor found; None while it works, and where it was stopped, which is shown.

    Of everybody, or of the users of a cohort. DomainError for a corpus or a ``since`` that can't
    be watched.
    """
    cohort = None if picked is None else (picked[0].name, picked[1])

    def work(progress: ProgressCallback, stop: StopCallback) -> tuple[Monitored, MonitorView]:
        found = monitor(
            corpus,
            loaders.library(),
            engine,
            unit=read_unit(period),
            since=since,
            cohort=cohort,
            progress=progress,
            stop=stop,
        )
        return found, build_monitor(found)

    kept = watched(corpus, engine, period, since, *(cohort or (None, None)))
    model = engine.model_id if engine else ""
    about = loaders.fingerprint((corpus, engine, *(cohort or ())))
    content = repr((about, _files(corpus, engine), language.current()))
    mark = hashlib.sha256(content.encode()).hexdigest()[:12]
    target = f"{corpus.name} {model} {period} {since or ''} {mark}"
    if kept.job is None:
        link = {COHORT_SAVED: picked[0].cohort_id if picked else None}
        kept.job = jobs.start("monitor", target, work, reads=True, link=link)
    job = kept.job
    if not working.has_ended(job):
        whom = f"{corpus.name}: {picked[0].name}" if picked else corpus.name
        working.draw_job(job, tr("Watching {whom}", whom=whom), shows_result=True)
        return None
    working.is_read(job)
    if job.error is not None:
        kept.job = None  # what was wrong may be put right
        raise job.error
    if job.result is None:
        working.draw_end(job)
        drawing.button(tr("Watch"), "watch_again", forget, kept, type="primary", icon="play_arrow")
    return job.result


def forget(kept: Watch) -> None:
    """Ask anew. For callbacks."""
    kept.job = None


def pick_cohort(engine: Engine | None) -> tuple[Cohort, BoolArray] | None:
    """The saved cohort that is watched, and its users; None for everybody."""
    if engine is not None:
        return cohorts.picked(engine, "cohort_of_monitor")
    if state.get(COHORT_SAVED) is not None:
        notices.miss(COHORT_SAVED, tr("A cohort needs a model, so all users are watched."))
        state.choose(COHORT_SAVED, None)
    return None
