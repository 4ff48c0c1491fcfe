"""Charts of the Quality page: a dot and its 95 % interval wherever a figure was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.evaluate.report import CalibrationBin
from core.figures.palette import Palette
from core.figures.style import SIZE, SMALL, axis, layout, plain
from core.measure.intervals import Interval
from core.views.quality import QualityView
from core.views.quality_details import NeverView, UsesView
from core.views.quality_wording import best_baseline, between

ROW = 30
WIDE = {"l": 150, "r": 64, "t": 4, "b": 40}
TOPICS_SHOWN = 12


def recommenders_figure(view: QualityView, palette: Palette) -> go.Figure:
    """NDCG of every recommender, best on top; beside it on targets that training has seen."""
    rows = view.rows[::-1]
    names = [
        f"<b>{plain(row.recommender)}</b>" if row.is_subject else plain(row.recommender)
        for row in rows
    ]
    inks = [palette.accent if row.is_subject else palette.muted for row in rows]
    figure = go.Figure(layout=layout(palette, height=ROW * len(rows) + 62, margin=WIDE))
    panels = [("x", [row.ndcg for row in rows], f"all {view.targets:,} targets")]
    if view.shows_seen:
        known = view.targets - view.unseen_targets
        panels.append(("x2", [row.seen for row in rows], f"the {known:,} seen in training"))
    for x, intervals, title in panels:
        for at, (interval, ink) in enumerate(zip(intervals, inks, strict=True)):
            _interval(figure, interval, at, ink, palette, x=x, bold=rows[at].is_subject)
            figure.add_annotation(
                x=interval.high,
                y=at,
                xref=x,
                text=f"{interval.mean:.3f}",
                showarrow=False,
                xanchor="left",
                xshift=8,
                font={"size": SIZE, "color": palette.text},
            )
        _axis_title(figure, x, f"NDCG@{view.k}, {title}", palette, rangemode="tozero")
    _rows_axis(figure, names, palette)
    _side_by_side(figure, len(panels))
    return figure


def cohorts_figure(view: QualityView, palette: Palette) -> go.Figure:
    """NDCG by cohort of the subject, and of the best baseline below it."""
    rows = view.cohorts[::-1]
    names = [
        f"{plain(row.name)} <span style='color:{palette.muted}'>n = {row.cases:,}"
        f"{', few' if row.few else ''}</span>"
        for row in rows
    ]
    figure = go.Figure(
        layout=layout(palette, height=44 * len(rows) + 64, margin=WIDE | {"l": 220, "t": 22})
    )
    for at, row in enumerate(rows):
        if row.rival is not None:
            _interval(figure, row.rival, at - 0.17, palette.muted, palette, hollow=row.few)
        _interval(
            figure, row.subject, at + 0.17, palette.accent, palette, hollow=row.few, bold=True
        )
    _two_names(figure, view, palette, "hollow: fewer than 30 targets")
    _axis_title(figure, "x", f"NDCG@{view.k} with 95 % interval", palette, rangemode="tozero")
    _rows_axis(figure, names, palette)
    return figure


def periods_figure(view: QualityView, palette: Palette) -> go.Figure:
    """NDCG by calendar period of the target; periods with few targets are left to the table."""
    rows = [row for row in view.periods if not row.few]
    figure = go.Figure(
        layout=layout(palette, height=300, margin={"l": 56, "r": 16, "t": 24, "b": 40})
    )
    series = [(palette.accent, [row.subject for row in rows], view.subject)]
    if view.rival is not None:
        rivals = [row.rival for row in rows if row.rival is not None]
        series.insert(0, (palette.muted, rivals, view.rival))
    for ink, intervals, name in series:
        figure.add_scatter(
            x=[_first_day(row.name) for row in rows],
            y=[interval.mean for interval in intervals],
            mode="lines+markers",
            line={"width": 1, "color": ink},
            marker={"size": 8, "color": ink},
            error_y={
                "array": [interval.high - interval.mean for interval in intervals],
                "arrayminus": [interval.mean - interval.low for interval in intervals],
                "thickness": 1.25,
                "width": 0,
                "color": ink,
            },
            customdata=[[row.name, row.cases] for row in rows],
            hovertemplate=f"{plain(name)}, %{{customdata[0]}}: %{{y:.3f}}, %{{customdata[1]}} "
            "targets<extra></extra>",
            name=plain(name),
        )
    _two_names(figure, view, palette)
    figure.update_xaxes(**axis(palette, type="date", nticks=8, fixedrange=True))
    figure.update_yaxes(
        **axis(
            palette,
            title={"text": f"NDCG@{view.k}", "font": {"size": SMALL}},
            rangemode="tozero",
            nticks=5,
            fixedrange=True,
        )
    )
    return figure


def _first_day(period: str) -> str:
    """``2014-03``, ``2014-Q1`` or ``2014`` as the day it begins."""
    year, _, rest = period.partition("-")
    month = 3 * int(rest[1:]) - 2 if rest.startswith("Q") else int(rest or 1)
    return f"{year}-{month:02}-01"


def calibration_figure(bins: Sequence[CalibrationBin], k: int, palette: Palette) -> go.Figure:
    """What lists promised against what they kept; on the line both are the same."""
    top = max([0.05, *(max(one.promised, one.kept) for one in bins)]) * 1.12
    figure = go.Figure(
        layout=layout(palette, height=320, margin={"l": 64, "r": 24, "t": 12, "b": 44})
    )
    figure.add_scatter(
        x=[0, top],
        y=[0, top],
        mode="lines",
        line={"width": 1, "color": palette.muted, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[one.promised for one in bins],
        y=[one.kept for one in bins],
        mode="lines+markers",
        line={"width": 1.5, "color": palette.accent},
        marker={"size": 9, "color": palette.accent},
        customdata=[[one.cases] for one in bins],
        hovertemplate="promised %{x:.0%}, kept %{y:.0%} of %{customdata[0]}<extra></extra>",
        name="calibration",
    )
    share: dict[str, Any] = {"range": [0, top], "tickformat": ".0%", "nticks": 6}
    figure.update_xaxes(
        **axis(
            palette,
            title={"text": f"promised: probability of the {k} listed", "font": {"size": SMALL}},
            fixedrange=True,
            **share,
        )
    )
    figure.update_yaxes(
        **axis(
            palette,
            title={"text": "kept: target in the list", "font": {"size": SMALL}},
            fixedrange=True,
            **share,
        )
    )
    return figure


def epochs_figure(
    lines: Sequence[Mapping[str, float]], best: int | None, palette: Palette
) -> go.Figure:
    """Validation NDCG and training loss by epoch; the best epoch is marked."""
    figure = go.Figure(
        layout=layout(palette, height=280, margin={"l": 60, "r": 24, "t": 8, "b": 44})
    )
    for number, (key, title) in enumerate(
        (("validation_ndcg", "validation NDCG@10"), ("loss", "training loss, nats"))
    ):
        suffix = str(number + 1) if number else ""
        known = [line for line in lines if line[key] == line[key]]
        figure.add_scatter(
            x=[line["epoch"] for line in known],
            y=[line[key] for line in known],
            xaxis=f"x{suffix}",
            yaxis=f"y{suffix}",
            mode="lines+markers",
            line={"width": 1.75, "color": palette.accent},
            marker={
                "size": [11 if line["epoch"] == best else 4 for line in known],
                "color": palette.accent,
            },
            hovertemplate="epoch %{x}: %{y:.4f}<extra></extra>",
            name=title,
        )
        low, high = (0.0, 0.45) if number == 0 else (0.57, 1.0)
        figure.update_layout(
            {
                f"xaxis{suffix}": axis(
                    palette,
                    domain=[low, high],
                    anchor=f"y{suffix}",
                    title={"text": "epoch", "font": {"size": SMALL}},
                    nticks=8,
                    fixedrange=True,
                ),
                f"yaxis{suffix}": axis(
                    palette,
                    anchor=f"x{suffix}",
                    title={"text": title, "font": {"size": SMALL}},
                    nticks=5,
                    fixedrange=True,
                ),
            }
        )
    return figure


def uses_figure(view: UsesView, palette: Palette, *, in_nats: bool = False) -> go.Figure:
    """What is lost without each part; right of zero the part helped."""
    rows = view.rows[::-1]
    names = [f"without {plain(row.part)}" for row in rows]
    figure = go.Figure(layout=layout(palette, height=ROW * len(rows) + 54, margin=WIDE))
    for at, row in enumerate(rows):
        interval = row.nats if in_nats else row.ndcg
        sure = interval.low > 0 or interval.high < 0
        ink = palette.accent if sure else palette.muted
        _interval(figure, interval, at, ink, palette, hollow=not sure)
        figure.add_annotation(
            x=max(interval.high, 0.0),
            y=at,
            text=f"{interval.mean:+.3f}".replace("-", "\u2212"),
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"size": SIZE, "color": palette.text},
        )
    unit = "log-probability of the next item, nats" if in_nats else "NDCG@10"
    _axis_title(figure, "x", f"loss of {unit}, with 95 % interval", palette)
    figure.update_xaxes(zeroline=True, zerolinecolor=palette.muted, zerolinewidth=1)
    _rows_axis(figure, names, palette)
    return figure


def never_figure(view: NeverView, palette: Palette) -> go.Figure:
    """Items that no list has, by topic, beside all items of the topic."""
    rows = view.topics[:TOPICS_SHOWN][::-1]
    figure = go.Figure(
        layout=layout(
            palette, height=26 * len(rows) + 50, margin=WIDE | {"l": 140}, barmode="overlay"
        )
    )
    for values, ink, name in (
        ([row.items for row in rows], palette.faint, "all items"),
        ([row.never for row in rows], palette.muted, "in no list"),
    ):
        figure.add_bar(
            y=list(range(len(rows))),
            x=values,
            orientation="h",
            marker={"color": ink},
            hovertemplate=f"%{{x}} {name}<extra></extra>",
            name=name,
        )
    for at, row in enumerate(rows):
        figure.add_annotation(
            x=row.items,
            y=at,
            text=f"{row.never:,} of {row.items:,}",
            showarrow=False,
            xanchor="left",
            xshift=6,
            font={"size": SMALL, "color": palette.text},
        )
    _axis_title(figure, "x", "items in no list, of all of the topic", palette, rangemode="tozero")
    _rows_axis(figure, [plain(row.topic, 20) for row in rows], palette)
    return figure


def _interval(
    figure: go.Figure,
    interval: Interval,
    y: float,
    ink: str,
    palette: Palette,
    *,
    x: str = "x",
    bold: bool = False,
    hollow: bool = False,
) -> None:
    if interval.mean != interval.mean:
        return
    figure.add_scatter(
        x=[interval.low, interval.high],
        y=[y, y],
        xaxis=x,
        mode="lines",
        line={"width": 4 if bold else 2.5, "color": ink},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[interval.mean],
        y=[y],
        xaxis=x,
        mode="markers",
        cliponaxis=False,
        marker={
            "size": 11,
            "color": palette.background if hollow else ink,
            "line": {"width": 1.5, "color": ink if hollow else palette.background},
        },
        hovertemplate=f"{between(interval)}<extra></extra>",
    )


def _rows_axis(figure: go.Figure, names: Sequence[str], palette: Palette) -> None:
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=list(range(len(names))),
            ticktext=list(names),
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
            range=[-0.6, len(names) - 0.4],
            fixedrange=True,
        )
    )


def _axis_title(figure: go.Figure, x: str, text: str, palette: Palette, **more: Any) -> None:
    title = {"text": text, "standoff": 8, "font": {"size": SMALL}}
    name = x.replace("x", "xaxis")
    figure.update_layout({name: axis(palette, title=title, nticks=6, fixedrange=True, **more)})


def _side_by_side(figure: go.Figure, panels: int) -> None:
    if panels == 2:
        figure.update_layout(xaxis={"domain": [0, 0.47]}, xaxis2={"domain": [0.55, 1.0]})


def _two_names(figure: go.Figure, view: QualityView, palette: Palette, more: str = "") -> None:
    """The colours' meaning as words above the chart, instead of a legend."""
    text = f"<span style='color:{palette.accent}'>■</span> {plain(view.subject)}"
    if view.rival is not None:
        text += (
            f"   <span style='color:{palette.muted}'>■</span> {plain(view.rival)}, "
            f"{best_baseline(view.subject)}"
        )
    figure.add_annotation(
        x=0,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        text=f"{text}   {more}",
        showarrow=False,
        font={"size": SMALL, "color": palette.text},
    )
