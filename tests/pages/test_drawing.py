"""Widths of a table's columns."""

from __future__ import annotations

import pytest
from pandas import DataFrame
from streamlit import column_config as col

from pages._shared import drawing

COLUMNS = {
    "rank": col.NumberColumn("#", width=40),
    "item": col.TextColumn("Item"),
    "cause": col.TextColumn("Main cause"),
    "why": drawing.buttons("", "why", print, width=60),
}


def widths(room: int, items: list[str] | None, causes: list[str] | None) -> tuple[int, int]:
    shown = drawing.fit(COLUMNS, room, {"item": items, "cause": causes})
    assert list(shown) == list(COLUMNS)
    assert (shown["rank"]["width"], shown["why"].config["width"]) == (40, 60)
    return shown["item"]["width"], shown["cause"]["width"]


def test_columns_that_grow_share_what_the_others_leave() -> None:
    assert widths(902, None, None) == (400, 400)
    item, cause = widths(902, ["short"], ["a cause of many words " * 9])
    assert item < cause
    assert item + cause == 800


def test_no_column_gets_more_than_its_text_needs_or_less_than_can_be_read() -> None:
    assert sum(widths(2_000, ["a title of thirty characters.."], ["a cause"])) < 400
    assert widths(200, ["a title " * 20], None) == (150, 150)


def test_wide_letters_need_more() -> None:
    assert drawing.need(["\u4e2d\u6587\u6807\u9898"]) == pytest.approx(drawing.PADDING + 56)
    assert drawing.need([]) == drawing.PADDING


def test_a_column_of_buttons_that_grows_keeps_what_they_do() -> None:
    wide = drawing.fit(COLUMNS, 902, {"why": ["a title of thirty characters.."]})["why"]
    assert wide.on_click is not None and wide.key == "why"
    assert wide.config["width"] == pytest.approx(
        drawing.need(["a title of thirty characters.."]), abs=1
    )


def test_a_number_that_reads_as_nothing_has_no_minus() -> None:
    frame = DataFrame({"score": [-0.004, 0.004, -0.005, -0.3, None], "other": [-0.001] * 5})
    columns = {"score": col.NumberColumn(format="%+.2f"), "why": COLUMNS["why"]}
    shown = drawing._without_minus_zero(frame, columns)
    written = [f"{value:+.2f}" for value in shown["score"].dropna()]
    assert written == ["+0.00", "+0.00", "-0.01", "-0.30"] and shown["score"].isna()[4]
    assert frame["score"][0] == -0.004 and (shown["other"] == -0.001).all()
