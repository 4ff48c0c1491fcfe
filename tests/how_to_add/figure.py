"""The new figure is drawn on the page from the page's view, under its sentence."""

from __future__ import annotations

import json


def test_the_page_draws_it(demo, busy_user, open_app) -> None:
    app = open_app("pages/timeline.py", corpus="demo", user=busy_user)
    assert not app.exception
    rated = [event.rating for event in demo.history(busy_user).events if event.rating is not None]
    assert any(f"{len(rated)} of " in element.value for element in app.text)
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    titles = [chart["layout"].get("xaxis", {}).get("title", {}).get("text") for chart in charts]
    drawn = charts[titles.index("Rating")]["data"][0]
    assert sorted(drawn["x"], key=float) == [f"{rating:g}" for rating in sorted(set(rated))]
