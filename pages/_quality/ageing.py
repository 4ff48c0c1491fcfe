"""The tab "Is it getting old?": a model left alone, updated and trained anew, window by window."""

from __future__ import annotations

from streamlit import column_config as col

from core import tasks
from core.engine import Engine
from core.figures.ageing import ageing_figure
from core.language import mark, tr
from core.processes import Task
from core.views.quality.ageing import ABOUT, AgeingView, WindowRow, build_ageing
from core.views.tables import table
from core.views.wording import NO_CUTS, joined
from pages._shared import drawing, loaders, notices, working
from pages._shared.loaders import Fingerprint, kept, stamp

KIND = "windows"
CAUTION = mark(
    "It trains the model and its baselines before each of six windows, and updates it before each "
    "but the first. It continues if you leave this page."
)


def _file(engine: Engine) -> Fingerprint:
    from core.training.windows import windows_key

    library = loaders.library()
    key = windows_key(engine.corpus, engine.folder)
    return tuple(map(stamp, library.places(key.path(library))))


@kept(8, mark("Reading the evaluation …"), also=_file)
def ageing(engine: Engine) -> AgeingView | None:
    """The judgement of a model's windows; None where it was not made yet."""
    from core.training.windows import find_windows

    report = find_windows(engine.corpus, loaders.library(), engine.folder)
    return build_ageing(report) if report is not None else None


def judging(engine: Engine) -> Task:
    """The evaluation over windows, as background work."""
    about = {"corpus": engine.corpus.name, "model": engine.model_id}
    return Task(tasks.judge_windows, loaders.library().root, about)


def draw(engine: Engine) -> None:
    """The tab's content, or a button that makes it."""
    if engine.corpus.manifest.order_as_time:
        notices.say(tr(NO_CUTS))
        return
    view, problem = notices.find(lambda: ageing(engine))
    if view is None:
        target = f"{engine.corpus.name} {engine.model_id}"
        if working.is_drawn(KIND, target, tr("Judging the windows")):
            return
        notices.say(problem or tr("Not measured yet."))
        notices.caution(joined(tr(ABOUT), tr(CAUTION)))
        working.offer("windows", target, tr("Measure it"), judging(engine))
        return
    said = joined(view.sentence, view.forgetting)
    drawing.chart("ageing", ageing_figure(view, drawing.palette()), said, below=tr(ABOUT))
    drawing.table(
        table(view.rows, WindowRow.COLUMNS),
        said,
        {
            "window": col.TextColumn(tr("Window"), pinned=True),
            "events": col.NumberColumn(tr("Events"), format="localized"),
            "targets": col.NumberColumn(tr("Targets"), format="localized"),
            "users": col.NumberColumn(tr("Users"), format="localized"),
            "stale": col.TextColumn(tr("First model")),
            "updated": col.TextColumn(tr("Updated")),
            "retrained": col.TextColumn(tr("Trained anew")),
            "earlier_updated": col.NumberColumn(
                tr("Earlier windows, updated"),
                format="%.4f",
                help=tr("NDCG on held-out events of all earlier windows"),
            ),
            "earlier_retrained": col.NumberColumn(tr("Earlier windows, anew"), format="%.4f"),
            "update_seconds": col.NumberColumn(tr("Update (s)"), format="%.0f"),
            "retrain_seconds": col.NumberColumn(tr("Training (s)"), format="%.0f"),
        },
        height="auto",
    )
