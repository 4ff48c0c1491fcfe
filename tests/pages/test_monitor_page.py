"""Monitor without a browser: the demo, a corpus without a model, and an alarm with its carriers."""

from __future__ import annotations

import pandas as pd
import pytest

from core import jobs
from core.corpus.importing import import_files
from core.domain import Columns
from core.evaluate.served import lists_path
from tests.core.monitor.conftest import MONDAY, WEEKS, steady  # noqa: F401

PAGE = "pages/monitor.py"


def figures(app) -> list[str]:
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def test_the_demo_is_watched_with_its_model(open_app, demo_only, read) -> None:
    app = open_app(PAGE, corpus="demo")
    assert not app.exception
    assert "Nothing changed beyond chance: the week of 23 Dec 2024" in read(app)
    headings = [heading.value for heading in app.subheader]
    assert headings == [
        "Traffic",
        "Kinds of events",
        "Topics",
        "Ratings and words",
        "Lists",
        "Quality on held-out events",
        "Changes of models and strategies",
    ]
    app.segmented_control(key="monitor_period").set_value("month").run()
    assert app.query_params["monitor_period"] == "month"
    assert "Dec 2024 is like the 24 months before" in read(app)


def test_a_since_that_cannot_be_is_said(open_app, demo_only, read) -> None:
    app = open_app(PAGE, corpus="demo", monitor_since="2031-01-01")
    assert not app.exception
    said = " ".join(info.value.replace("\\", "") for info in app.info)
    assert "no week from 2031-01-01 on is finished" in said
    assert "Nothing changed" in read(app)


@pytest.fixture
def alarmed(library, tmp_path, steady) -> None:  # noqa: F811
    """A corpus without a model whose last week has no purchases."""
    events = steady(users=200)
    last = events[Columns.Time] >= MONDAY + pd.Timedelta(weeks=WEEKS - 1)
    kept = events[~(last & (events[Columns.Kind] == "purchase"))]
    path = tmp_path / "shop.csv"
    columns = [Columns.User, Columns.Item, Columns.Time, Columns.Kind, Columns.Rating]
    kept[columns].to_csv(path, index=False)
    import_files(library, "shop", [path])


def test_an_alarm_names_who_carries_it_without_a_model(
    open_app, alarmed, read, library, monkeypatch
) -> None:
    targets, start = [], jobs.start

    def started(kind, target, *rest, **options):
        targets.append(target)
        return start(kind, target, *rest, **options)

    monkeypatch.setattr(jobs, "start", started)
    app = open_app(PAGE, corpus="shop", monitor_alarm="nothing")
    assert not app.exception
    said = read(app)
    assert "Kind: purchase fell from" in said and "carry half of it" in said
    assert "need a model" in said
    assert any("no alarm about" in info.value for info in app.info)
    (users, *_) = [frame.value for frame in app.dataframe if "share" in frame.value]
    assert (users["share"] > 0).all() and (users["before"] > 0).all()
    place = lists_path(library, "shop", "production")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"other lists")
    assert not app.run().exception
    first, second = targets  # other files are another question, also where the first still runs
    assert first != second and first.startswith("shop  auto  ")


def test_too_few_periods_are_said(open_app, shop, read) -> None:
    app = open_app(PAGE, corpus="shop", monitor_period="month", monitor_since="2024-02-01")
    assert not app.exception
    said = " ".join(info.value.replace("\\", "") for info in app.info)
    assert "1 finished month before the one with 2024-02-01, and 5 are needed" in said
    assert "Sep 2024" in read(app)
