"""The figures of Cohorts: what plotly accepts, ids as words, one picture for very many users."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from core.cohorts.area import Area
from core.figures import cohorts
from core.figures.cohorts import flow_figure, users_map
from core.figures.palette import PALETTES
from core.views.cohorts.build import MEASURES, Everyone, build_flow, build_users_map
from core.views.interest_map import build_map

INK = PALETTES["dark"]
AREA = Area(((0.0, 0.0), (5.0, 0.0), (5.0, 5.0)))


def test_every_measure_colours_every_user(everyone: Everyone) -> None:
    map_view = build_map(everyone.engine)
    for by in MEASURES:
        view = build_users_map(everyone, everyone.times[12], by)
        chosen = np.zeros(len(everyone.people.users), np.bool_)
        chosen[view.places[:30]] = True
        figure = users_map(view, map_view, INK, chosen, AREA)
        faint, plain = figure.data  # plotly has checked them
        assert (len(plain.x), len(faint.x)) == (30, len(view.places) - 30)
        assert faint.marker.opacity < plain.marker.opacity
        assert figure.layout.shapes[0].path.startswith("M 0,0 L 5,0")


def test_an_id_is_shown_as_words(everyone: Everyone) -> None:
    view = build_users_map(everyone, None, "drift")
    hostile = replace(view, user_ids=("<b>x</b>" * 20, *view.user_ids[1:]))
    said = users_map(hostile, build_map(everyone.engine), INK).data[0].hovertext[0]
    assert said.startswith("&lt;b&gt;x&lt;/b&gt;") and "<" not in said and len(said) < 200


def test_very_many_users_are_one_picture(
    everyone: Everyone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohorts, "MOST_DOTS", 300)
    monkeypatch.setattr(cohorts, "SAMPLE", 50)
    view = build_users_map(everyone, None, "rank")
    figure = users_map(view, build_map(everyone.engine), INK)
    assert len(figure.layout.images) == 1
    assert sum(len(trace.x) for trace in figure.data) == 50
    assert len(figure.to_json()) < 400_000
    chosen = np.arange(len(everyone.people.users)) == 0
    others, one = users_map(view, build_map(everyone.engine), INK, chosen).layout.images
    assert (one.sizex, one.sizey) == (others.sizex, others.sizey)


def test_the_flow_holds_every_user_at_every_time(everyone: Everyone) -> None:
    view = build_flow(everyone, np.ones(len(everyone.people.users), np.bool_), None)
    (trace,) = flow_figure(view, INK).data
    assert sum(trace.link.value) == view.flow.users * (len(view.labels) - 1)
    month = view.flow.times[0]
    assert isinstance(month, datetime)
    early = build_flow(everyone, np.ones(len(everyone.people.users), np.bool_), month).flow
    assert early.times[0] != early.times[-1] and early.users > 0
