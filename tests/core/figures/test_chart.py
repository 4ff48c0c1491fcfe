"""A chart of plain dictionaries is the figure that plotly itself would make of them."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures.chart import MOVING, Chart
from core.figures.palette import LIGHT
from core.figures.style import axis, canvas, note


def drawn() -> Chart:
    figure = canvas(LIGHT, 200, (1, 2, 3, 4), shapes=[{"type": "line", "x0": 0, "x1": 1}])
    figure.add_scatter(x=np.arange(3), y=np.array([1.0, np.nan, 2.0]), xaxis="x2", name=None)
    figure.add_bar(x=[1, 2], y=(np.float32(0.5), 2), marker={"color": ["#112233", "#445566"]})
    figure.add_annotation(note("<b>words</b>", 0, 1, LIGHT.text))
    figure.update_layout(xaxis2=axis(LIGHT, domain=[0.5, 1]), margin={"t": 30})
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes({"nticks": 4}, visible=False)
    return figure


def test_it_says_what_a_plotly_figure_says() -> None:
    figure = drawn()
    written = json.loads(figure.to_json())
    again = go.Figure(written)
    said = json.loads(again.to_json())
    del said["layout"]["template"]  # plotly's own look, which every chart here replaces
    assert said == written
    assert go.Figure(figure).layout == again.layout
    assert written["data"][0]["y"] == [1.0, None, 2.0] and "name" not in written["data"][0]
    assert again.layout.xaxis.fixedrange and again.layout.xaxis2.fixedrange
    assert tuple(again.layout.xaxis2.domain) == (0.5, 1)
    assert (again.layout.margin.l, again.layout.margin.t) == (1, 30)
    assert len(again.layout.annotations) == len(again.layout.shapes) == 1


def test_what_plotly_would_reject_is_rejected_by_whoever_looks() -> None:
    figure = drawn()
    assert figure.layout.height == 200
    figure.add_scatter(markers={"size": 3})
    with pytest.raises(ValueError, match="markers"):
        _ = figure.data


def test_a_picture_of_one_does_not_change_the_other() -> None:
    figure = drawn()
    look = figure.to_dict()
    look["layout"]["margin"]["l"] = 99
    look["data"][1]["x"].append(3)
    assert figure.layout.margin.l == 1 and len(figure.data[1].x) == 2


def test_what_moves_is_taken_out_of_a_figure_and_nothing_else() -> None:
    figure = Chart({"xaxis": {"range": [0, 1]}})
    figure.add_scatter(x=np.arange(2), name="stays")
    figure.add_scatter(x=np.arange(1), name="goes", meta=MOVING)
    figure.add_annotation({"text": "stays"})
    figure.update_layout(shapes=[{"x0": 1, "name": MOVING}, {"x0": 2}])
    still, moving = figure.split("xaxis")
    assert [trace["name"] for trace in still.to_dict()["data"]] == ["stays"]
    assert still.to_dict()["layout"] == {"annotations": [{"text": "stays"}], "shapes": [{"x0": 2}]}
    assert [trace["name"] for trace in moving["data"]] == ["goes"]
    assert moving["shapes"] == [{"x0": 1, "name": MOVING}]
    assert (moving["annotations"], moving["layout"]) == ([], {"xaxis": {"range": [0, 1]}})
    assert len(figure.to_dict()["data"]) == 2
