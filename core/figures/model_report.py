"""A model as one file: how good it is and where, how it was trained, its card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from core.corpus.store import Library
from core.domain import DomainError
from core.evaluate.protocols import read_judged
from core.figures import quality as figures
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.files import Damaged
from core.language import mark, tr
from core.model.metrics import Metrics, read_metrics
from core.views.compare.sentences import made_with
from core.views.corpora import read_card
from core.views.interest_map import trust_sentence
from core.views.overview import NOT_EVALUATED, build_facts
from core.views.quality import model_sentences
from core.views.quality.build import build_never, build_quality
from core.views.quality.rows import (
    CALIBRATION_COLUMNS,
    EPOCH_COLUMNS,
    UNITS,
    GroupRow,
    NeverView,
    QualityView,
    shown_table,
)
from core.views.tables import table
from core.views.wording import trained_on

if TYPE_CHECKING:
    from core.engine import Engine

PROTOCOLS = {"leave-last-out": mark("Leave last out"), "temporal": mark("Over time")}


def model_report(
    engine: Engine, library: Library, subject: str, palette: Palette
) -> tuple[str, list[DomainError]]:
    """The report as HTML, and why something is missing in it.

    Under every protocol that was evaluated it is about ``subject``, or where a report lacks that
    about its first recommender.
    """
    views: list[tuple[QualityView, NeverView]] = []
    problems: list[DomainError] = []
    for protocol in PROTOCOLS:
        try:
            judged = read_judged(engine, library, protocol)
        except Damaged as error:
            problems.append(error)
            continue
        if judged is None:
            continue
        known = [result.recommender for result in judged.report.results]
        about = subject if subject in known else known[0]
        view = build_quality(
            engine, judged.report, judged.served, about, judged.damaged, judged.failures
        )
        views.append((view, build_never(engine, judged.report, about)))
    metrics = None
    try:
        metrics = read_metrics(engine.folder)
    except DomainError as error:
        problems.append(error)
    card = read_card(engine.folder)
    return report_of(engine, views, metrics or Metrics(), card, palette), problems


def report_of(
    engine: Engine,
    views: Sequence[tuple[QualityView, NeverView]],
    metrics: Metrics,
    card: str,
    palette: Palette,
) -> str:
    """The same of what is known; ``views`` of the protocols evaluated, ``card`` as Markdown."""
    manifest = engine.corpus.manifest
    sections = [
        part for view, never in views for part in _quality(view, never, palette, len(views) > 1)
    ]
    return write_report(
        tr("Model {model} of {corpus}", model=engine.model_id, corpus=manifest.name),
        [
            build_facts(manifest),
            *filter(None, [trained_on(engine.corpus.sample)]),
            tr(
                "{made}; text encoder {encoder}.",
                made=made_with(manifest.name, engine.model_id, manifest.simulated),
                encoder=engine.encoder.name,
            ),
        ],
        [
            *(sections or [Section(tr("Quality"), (tr(NOT_EVALUATED),))]),
            _training(metrics, palette),
            *_card(card),
        ],
        palette,
    )


def _quality(
    view: QualityView, never: NeverView, palette: Palette, is_one_of_several: bool
) -> list[Section]:
    """One protocol: the verdict with its table, then where it holds."""
    after = f" · {tr(PROTOCOLS.get(view.protocol, view.protocol))}" if is_one_of_several else ""
    verdicts = tuple(filter(None, (view.verdict, view.seen_verdict)))
    if not view.targets:
        return [Section(tr("Quality") + after, (*verdicts, *view.cautions))]
    sections = [
        Section(
            tr("Quality") + after,
            (*verdicts, *view.cautions, tr(UNITS)),
            figures.recommenders_figure(view, palette),
            shown_table(view),
        )
    ]
    if view.periods:
        sections.append(
            Section(
                tr("By period") + after,
                (view.periods_sentence,),
                figures.periods_figure(view, palette),
                table([row for row in view.periods if not row.few], GroupRow.COLUMNS),
            )
        )
    sections.append(
        Section(
            tr("By cohort") + after,
            (view.cohorts_sentence,),
            figures.cohorts_figure(view, palette),
            table(view.cohorts, GroupRow.COLUMNS),
        )
    )
    if view.calibration:
        sections.append(
            Section(
                tr("Calibration") + after,
                (view.calibration_sentence,),
                figures.calibration_figure(view.calibration, view.k, palette),
                table(view.calibration, CALIBRATION_COLUMNS),
            )
        )
    lost = not never.items.empty
    return [
        *sections,
        Section(
            tr("Never recommended") + after,
            (never.sentence,),
            figures.never_figure(never, palette) if lost else None,
            never.topics if lost else None,
        ),
    ]


def _card(card: str) -> list[Section]:
    """The card that the training wrote, a section under each of its headings.

    Only its own forms are read: headings, paragraphs, points and tables. All of it stays text.
    """
    sections = []
    for number, block in enumerate(re.split(r"^## ", card, flags=re.MULTILINE)):
        title, _, body = block.partition("\n") if number else ("", "", block)
        lines = [line.strip().replace("`", "") for line in body.splitlines()]
        rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
        said = tuple(line.lstrip("# ") for line in lines if line and not line.startswith("|"))
        shown = None
        if len(rows) > 2 and all(len(row) == len(rows[0]) for row in rows[2:]):
            shown = pd.DataFrame(rows[2:], columns=rows[0])
        title = title.strip()
        heading = tr("Model card: {title}", title=title) if title else tr("Model card")
        sections.append(Section(heading, said, table=shown))
    return sections


def _training(metrics: Metrics, palette: Palette) -> Section:
    said = (
        model_sentences.training(metrics),
        model_sentences.sentiment(metrics.sentiment),
        trust_sentence(metrics.trustworthiness),
    )
    has_record = bool(metrics.training)
    return Section(
        tr("Training"),
        said,
        figures.epochs_figure(metrics, palette) if has_record else None,
        table(metrics.training, EPOCH_COLUMNS) if has_record else None,
    )
