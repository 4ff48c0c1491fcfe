"""The verb that writes a user or a model as one HTML file: report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import Asked, RecommenderOption
from core.cli.output import answer, complain, progress_bar
from core.cli.whose import AtOption
from core.domain import DomainError
from core.files import Damaged, reason_of, replace_text
from core.language import mark, tr

if TYPE_CHECKING:
    from core.corpus.store import Library
    from core.engine import Engine
    from core.figures.palette import Palette
    from core.progress import ProgressCallback

THEMES = ("light", "dark")
REPORTS = {
    "model": mark("Report of the model: {file} ({size:.1f} MB)"),
    "user": mark("Report of the user: {file} ({size:.1f} MB)"),
    "cohort": mark("Report of the cohort: {file} ({size:.1f} MB)"),
}
"""What is said of a written report, by what it is about."""
ThemeOption = Annotated[str, typer.Option("--theme", help=tr("light or dark."))]


def write_file(
    asked: Asked,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help=tr("The .html file to write."))
    ],
    user: Annotated[
        str | None, typer.Option("--user", help=tr("A user's report (default: the model's)."))
    ] = None,
    at: AtOption = None,
    recommender: RecommenderOption = None,
    theme: ThemeOption = "light",
) -> None:
    """Write a user, or the model, as one HTML file that needs neither the app nor a network."""
    palette = palette_of(theme)
    if user is None and at is not None:
        raise DomainError(
            tr("--at is for a user's report"), remedy=tr("Give --user too, or leave it out")
        )
    shelf, engine = asked.shelf(), asked.engine()
    with progress_bar() as progress:
        if user is None:
            about, text = "model", _model(shelf, engine, recommender, palette)
        else:
            about, text = "user", _user(shelf, engine, user, at, recommender, palette, progress)
    size, line = save_report(out, text, about)
    facts = {"file": str(out), "about": about, "user_id": user, "bytes": size}
    answer(facts, [line], as_json=asked.json)


def palette_of(theme: str) -> Palette:
    """The colours of a theme; DomainError for an unknown one."""
    from core.figures.palette import PALETTES

    if theme not in THEMES:
        raise DomainError(
            tr("unknown theme {theme!r}", theme=theme),
            where="--theme",
            remedy=tr("Use light or dark"),
        )
    return PALETTES[theme]  # type: ignore[index]


def save_report(out: Path, text: str, about: str) -> tuple[int, str]:
    """Write a report whole; its bytes and the line that says so."""
    try:
        replace_text(out, text)
    except OSError as error:
        raise DomainError(
            tr("the report could not be written: {reason}", reason=reason_of(error)),
            where=str(out),
            remedy=tr("Choose another --out"),
        ) from None
    size = len(text.encode())
    return size, tr(REPORTS[about], file=out, size=size / 1e6)


def _user(
    shelf: Library,
    engine: Engine,
    user: str,
    at: str | None,
    recommender: str | None,
    palette: Palette,
    progress: ProgressCallback,
) -> str:
    from core.figures.user_report import user_report
    from core.turns.stored import read_turns

    step = engine.corpus.history(user).resolve_step(at)
    known = None
    try:
        known = read_turns(shelf, engine)
    except Damaged as error:
        complain(tr("{problem} This user is tested alone.", problem=error))
    return user_report(
        engine,
        user,
        palette,
        step=step,
        recommender=recommender,
        known=known,
        progress=progress,
    )


def _model(shelf: Library, engine: Engine, recommender: str | None, palette: Palette) -> str:
    from core.figures.model_report import model_report

    html, problems = model_report(engine, shelf, engine.recommender(recommender).id, palette)
    for problem in problems:
        complain(str(problem))
    return html


VERBS = {"report": write_file}
