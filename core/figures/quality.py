"""How good a model is: a dot and its 95 % interval wherever a figure was measured; training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.evaluate.report import CalibrationBin
from core.figures.chart import Chart
from core.figures.intervals import ROW, WIDE, add_interval, add_number, set_measure
from core.figures.palette import Palette
from core.figures.style import (
    axis,
    bars,
    canvas,
    dotted_line,
    hover,
    names_above,
    names_axis,
    note,
    plain,
    title,
)
from core.language import tr
from core.measure.metrics import Interval
from core.model.metrics import Metrics
from core.views.quality.rows import FEW, AblationView, NeverView, QualityView, RecommenderRow
from core.views.quality.sentences import best_baseline
from core.views.wording import signed

TOPICS_SHOWN = 12
POINTS = 300
"""A longer curve of a running training is thinned to about this many points."""


def recommenders_figure(view: QualityView, palette: Palette) -> Chart:
    """NDCG of every recommender, best on top; beside it on targets that training has seen."""
    rows = view.rows[::-1]
    figure = canvas(palette, ROW * len(rows) + 62, WIDE)
    measure = tr("NDCG@{k}, all {n:,} targets", k=view.k, n=view.targets)
    _add_recommenders(figure, rows, [row.ndcg for row in rows], measure, palette)
    if view.shows_seen:
        known = view.targets - view.unseen_targets
        measure = tr("NDCG@{k}, the {n:,} seen in training", k=view.k, n=known)
        _add_recommenders(figure, rows, [row.seen for row in rows], measure, palette, "x2")
        figure.update_layout(xaxis={"domain": [0, 0.47]}, xaxis2={"domain": [0.55, 1.0]})
    return figure


def _add_recommenders(
    figure: Chart,
    rows: Sequence[RecommenderRow],
    intervals: Sequence[Interval],
    measure: str,
    palette: Palette,
    x: str = "x",
) -> None:
    """A named row for each recommender's interval; the subject's in the accent colour and bold."""
    names = []
    for at, (interval, row) in enumerate(zip(intervals, rows, strict=True)):
        ink = palette.accent if row.is_subject else palette.muted
        add_interval(figure, interval, at, ink, palette, x=x, bold=row.is_subject)
        add_number(figure, f"{interval.mean:.3f}", interval.high, at, palette, x)
        name = plain(row.recommender)
        names.append(f"<b>{name}</b>" if row.is_subject else name)
    set_measure(figure, palette, measure, x)
    _set_names(figure, names, palette)


def cohorts_figure(view: QualityView, palette: Palette, *, narrow: bool = False) -> Chart:
    """NDCG by cohort of the subject, and of the best baseline below it."""
    rows = view.cohorts[::-1]
    height, margin = (64, (8, 16, 56, 40)) if narrow else (44, (220, 64, 22, 40))
    figure = canvas(palette, height * len(rows) + 64, margin)
    for at, row in enumerate(rows):
        few = row.few
        if row.rival is not None:
            add_interval(figure, row.rival, at - 0.17, palette.muted, palette, hollow=few)
        add_interval(figure, row.subject, at + 0.17, palette.accent, palette, hollow=few, bold=True)
    gap = "<br>" if narrow else "   "
    hollow = gap + tr("hollow: fewer than {n} targets", n=FEW)
    _add_two_names(figure, view, palette, hollow, lift=22 if narrow else 0)
    set_measure(figure, palette, tr("NDCG@{k} with 95 % interval", k=view.k))
    names = [
        f"{plain(row.called)} <span style='color:{palette.muted}'>"  # no sentence
        + (tr("n = {n:,}, few", n=row.cases) if row.few else tr("n = {n:,}", n=row.cases))
        + "</span>"
        for row in rows
    ]
    _set_names(figure, names, palette)
    if narrow:
        names_above(figure, names, range(len(names)), palette, shift=26)
    return figure


def periods_figure(view: QualityView, palette: Palette) -> Chart:
    """NDCG by calendar period of the target; periods with few targets are left to the table."""
    rows = [row for row in view.periods if not row.few]
    figure = canvas(palette, 300, (56, 16, 24, 40))
    series = [(palette.accent, [row.subject for row in rows], view.subject)]
    if view.rival is not None:
        rivals = [row.rival for row in rows if row.rival is not None]
        series.insert(0, (palette.muted, rivals, view.rival))
    for ink, intervals, name in series:
        figure.add_scatter(
            x=[_first_day(row.name) for row in rows],
            y=[interval.mean for interval in intervals],
            **dotted_line(ink, 1, 8),
            error_y={
                "array": [interval.high - interval.mean for interval in intervals],
                "arrayminus": [interval.mean - interval.low for interval in intervals],
                "thickness": 1.25,
                "width": 0,
                "color": ink,
            },
            **hover(
                [
                    tr(
                        "{name}, {window}: {ndcg}, {n} targets",
                        name=plain(name),
                        window=row.name,
                        ndcg=f"{interval.mean:.3f}",
                        n=row.cases,
                    )
                    for row, interval in zip(rows, intervals, strict=True)
                ]
            ),
            name=plain(name),
        )
    _add_two_names(figure, view, palette)
    ndcg = axis(
        palette, title=title(f"NDCG@{view.k}"), rangemode="tozero", nticks=5, fixedrange=True
    )
    days, names = [_first_day(row.name) for row in rows], [row.name for row in rows]
    ticks = {"nticks": 8} if len(rows) > 6 else {"tickvals": days, "ticktext": names}
    figure.update_layout(xaxis=axis(palette, type="date", fixedrange=True, **ticks), yaxis=ndcg)
    return figure


def _first_day(period: str) -> str:
    """``2014-03``, ``2014-Q1`` or ``2014`` as the day it begins."""
    year, _, rest = period.partition("-")
    month = 3 * int(rest[1:]) - 2 if rest.startswith("Q") else int(rest or 1)
    return f"{year}-{month:02}-01"


def calibration_figure(bins: Sequence[CalibrationBin], k: int, palette: Palette) -> Chart:
    """Predicted against observed hits; on the dashed line both are the same."""
    top = max([0.05, *(max(b.promised, b.kept) for b in bins)]) * 1.12
    figure = canvas(palette, 320, (64, 24, 12, 44))
    figure.add_scatter(
        x=[0, top],
        y=[0, top],
        mode="lines",
        line={"width": 1, "color": palette.muted, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[b.promised for b in bins],
        y=[b.kept for b in bins],
        **dotted_line(palette.accent, 1.5, 9),
        **hover(
            [
                tr(
                    "predicted {predicted:.0%}, observed {observed:.0%} of {n} targets",
                    predicted=b.promised,
                    observed=b.kept,
                    n=b.cases,
                )
                for b in bins
            ]
        ),
        name="calibration",
    )
    share = axis(palette, range=[0, top], tickformat=".0%", nticks=6, fixedrange=True)
    figure.update_layout(
        xaxis=share | {"title": title(tr("predicted: probability of the {k} listed items", k=k))},
        yaxis=share | {"title": title(tr("observed: target in the list"))},
    )
    return figure


def epochs_figure(metrics: Metrics, palette: Palette) -> Chart:
    """Validation NDCG, and training and validation loss by epoch; the best epoch is marked."""
    figure = canvas(palette, 280, (60, 24, 8, 44))
    both = any(line.validation_loss is not None for line in metrics.training)
    loss = tr("loss, nats") if both else tr("training loss, nats")
    for panel, key, measure, domain, ink in (
        ("", "validation_ndcg", tr("validation NDCG@10"), [0.0, 0.45], palette.accent),
        ("2", "loss", loss, [0.57, 1.0], palette.muted if both else palette.accent),
        *([("2", "validation_loss", loss, [0.57, 1.0], palette.accent)] * both),
    ):
        known = [line for line in metrics.training if getattr(line, key) is not None]
        sizes = [11 if line.epoch == metrics.best_epoch else 4 for line in known]
        ways = {"xaxis": f"x{panel}", "yaxis": f"y{panel}"}
        figure.add_scatter(
            x=[line.epoch for line in known],
            y=[getattr(line, key) for line in known],
            **ways,
            **dotted_line(ink, 1.75, sizes),
            hovertemplate=tr("epoch %{x}: %{y:.4f}") + "<extra></extra>",
            name=key.replace("_", " "),
        )
        if both and panel and known:
            word, end = tr("validation") if key != "loss" else tr("training"), known[-1]
            at: dict[str, Any] = {"xref": "x2", "yref": "y2", "xanchor": "right", "yshift": 9}
            figure.add_annotation(note(word, end.epoch, getattr(end, key), ink, **at))
        shared = axis(palette, fixedrange=True)
        epochs = {"domain": domain, "anchor": f"y{panel}", "title": title(tr("epoch")), "nticks": 8}
        values = {"anchor": f"x{panel}", "title": title(measure), "nticks": 5}
        axes = {f"xaxis{panel}": shared | epochs, f"yaxis{panel}": shared | values}
        figure.update_layout(**axes)
    return figure


def training_figure(curve: Sequence[dict[str, float]], palette: Palette) -> Chart:
    """One small panel per figure that the training reports, over its steps.

    ``curve`` holds one mapping per report: ``done`` is the step, the rest are figures.
    """
    curve = curve[:: max(len(curve) // POINTS, 1)]
    names = list(dict.fromkeys(name for point in curve for name in point if name != "done"))
    figure = canvas(palette, 190, (48, 12, 28, 28))
    gap = 0.08
    width = (1 - gap * (len(names) - 1)) / max(len(names), 1)
    for at, name in enumerate(names):
        panel, left = str(at + 1) if at else "", at * (width + gap)
        points = [point for point in curve if name in point]
        figure.add_scatter(
            x=[point["done"] for point in points],
            y=[point[name] for point in points],
            xaxis=f"x{panel}",
            yaxis=f"y{panel}",
            **dotted_line(palette.accent, 1.75, 4),
            hovertemplate=tr("step %{x}") + "<br>%{y:.4g}<extra></extra>",
        )
        steps = {"domain": [left, left + width], "anchor": f"y{panel}", "nticks": 5}
        values = {"anchor": f"x{panel}", "nticks": 4, "showgrid": True, "gridcolor": palette.faint}
        figure.update_layout(
            **{f"xaxis{panel}": axis(palette, **steps), f"yaxis{panel}": axis(palette, **values)}
        )
        above = {"xref": "paper", "yref": "paper", "yanchor": "bottom"}
        figure.add_annotation(note(plain(tr(name)), left + width / 2, 1.0, palette.text) | above)
    return figure


def ablation_figure(view: AblationView, palette: Palette, *, in_nats: bool = False) -> Chart:
    """The loss without each part of a history; right of zero the part helped."""
    rows = view.rows[::-1]
    figure = canvas(palette, ROW * len(rows) + 54, WIDE)
    for at, row in enumerate(rows):
        interval = row.nats if in_nats else row.ndcg
        sure = interval.low > 0 or interval.high < 0
        ink = palette.accent if sure else palette.muted
        add_interval(figure, interval, at, ink, palette, hollow=not sure)
        add_number(figure, signed(interval.mean, 3), max(interval.high, 0.0), at, palette)
    measure = tr("loss of NDCG@10, with 95 % interval")
    if in_nats:
        measure = tr("loss of log-probability of the next item, nats, with 95 % interval")
    set_measure(figure, palette, measure, rangemode=None)
    figure.update_xaxes(zeroline=True, zerolinecolor=palette.muted, zerolinewidth=1)
    _set_names(figure, [tr("without {part}", part=plain(row.called)) for row in rows], palette)
    return figure


def never_figure(view: NeverView, palette: Palette) -> Chart:
    """Items that were never recommended, by topic, beside all items of the topic."""
    rows = view.topics[:TOPICS_SHOWN][::-1]
    never, items = rows["never"].tolist(), rows["items"].tolist()
    figure = canvas(palette, 26 * len(rows) + 50, (140, 64, 4, 40), barmode="overlay")
    for values, ink, name, said in (
        (items, palette.faint, "all items", tr("%{x} all items")),  # no sentence
        (never, palette.muted, "never recommended", tr("%{x} never recommended")),  # no sentence
    ):
        said = f"{said}<extra></extra>"
        figure.add_bar(**bars(values, ink, hovertemplate=said, name=name))
    for at, (lost, size) in enumerate(zip(never, items, strict=True)):
        text = tr("{n:,} of {all:,}", n=lost, all=size)
        figure.add_annotation(note(text, size, at, palette.text, xanchor="left", xshift=6))
    set_measure(figure, palette, tr("items never recommended, of all of the topic"))
    _set_names(figure, [plain(topic, 20) for topic in rows["topic"]], palette)
    return figure


def _set_names(figure: Chart, names: Sequence[str], palette: Palette) -> None:
    figure.update_layout(yaxis=names_axis(palette, names, range=[-0.6, len(names) - 0.4]))


def _add_two_names(
    figure: Chart, view: QualityView, palette: Palette, more: str = "", lift: int = 0
) -> None:
    """The colours' meaning as words above the chart, instead of a legend."""
    text = f"<span style='color:{palette.accent}'>■</span> {plain(view.subject)}"  # no sentence
    if view.rival is not None:
        rival = tr("{name}, {what}", name=plain(view.rival), what=best_baseline(view.subject))
        text += f"   <span style='color:{palette.muted}'>■</span> {rival}"  # no sentence
    place: dict[str, Any] = {"xref": "paper", "yref": "paper", "xanchor": "left"}
    place |= {"yanchor": "bottom", "yshift": lift, "align": "left"}
    figure.add_annotation(note(f"{text}{more}", 0, 1, palette.text) | place)
