"""Findings as one HTML file, each with its chart, notes and address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import plotly.io
from plotly.basedatatypes import BaseFigure

from core.domain import DomainError
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.language import tr
from core.notebook import Finding
from core.views.notebook import TITLE, address, facts, kept, said, summary


def draw_again(figure: str) -> go.Figure:
    """A kept figure's JSON as a figure; DomainError for what is none."""
    try:
        return plotly.io.from_json(figure)
    except (ValueError, TypeError, KeyError):
        raise DomainError(tr("the chart of a finding can't be drawn again")) from None


def picture(figure: BaseFigure, palette: Palette) -> str:
    """A figure's JSON on the ground of its theme, so that it looks the same in any other."""
    seen = figure.to_dict()
    seen["layout"]["paper_bgcolor"] = palette.background
    return str(plotly.io.to_json(seen, validate=False))


def notebook_report(
    findings: Sequence[Finding], figures: Mapping[str, go.Figure], base: str, palette: Palette
) -> str:
    """The report as HTML; ``figures`` by the findings' ids, ``base`` the app's address."""
    sections = [
        Section(
            finding.name,
            (facts(finding), kept(finding), *filter(None, [said(finding)])),
            figures.get(finding.finding_id),
            quotes=((tr("Notes"), finding.notes),) if finding.notes else (),
            link=address(finding, base),
        )
        for finding in findings
    ]
    return write_report(tr(TITLE), [summary(findings)], sections, palette)
