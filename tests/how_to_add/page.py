"""The new page opens from the menu, answers its question, and says what is missing."""

from __future__ import annotations

PAGE = "pages/gaining.py"


def test_the_page_shows_what_gains(demo, open_app) -> None:
    app = open_app(PAGE, corpus="demo")
    assert not app.exception
    assert app.title[0].value == "Which items gain most lately?"
    shown = app.dataframe[0].value
    assert shown["gain"].is_monotonic_decreasing
    assert (shown["now"] - shown["before"] == shown["gain"]).all()
