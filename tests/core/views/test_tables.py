"""Tables leave the tool as CSV that starts no formula and loses no value."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from core.language import speaking
from core.views import tables
from core.views.tables import as_csv, in_language, words_in_language


def cells(frame: pd.DataFrame) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(frame), newline="")))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_text_that_begins_like_a_formula_is_escaped(begin: str, dtype: str) -> None:
    text = f'{begin}HYPERLINK("http://x")'
    frame = pd.DataFrame({f"{begin}name": pd.Series([text, "fine", f" {text}"], dtype=dtype)})
    head, first, *rest = cells(frame)
    assert (head, first) == ([f"'{begin}name"], [f"'{text}"])
    assert rest == [["fine"], [f" {text}"]]


def test_a_cell_stays_one_cell() -> None:
    texts = ["good\r=1+1", "good\n=1+1", 'good","=1+1', "good\r\n=1+1"]
    assert cells(pd.DataFrame({"text": texts}))[1:] == [[text] for text in texts]


def test_other_cells_stay_as_they_are() -> None:
    frame = pd.DataFrame(
        {"text": ["", None, "a=b"], "number": [-1.5, float("nan"), 2.0], "count": [-1, 0, 1]}
    )
    assert cells(frame)[1:] == [["", "-1.5", "-1"], ["", "", "0"], ["a=b", "2.0", "1"]]


def test_words_and_columns_of_a_table_are_in_the_readers_language(monkeypatch) -> None:
    frame = pd.DataFrame({"kind": ["view", ""], "rank": [1, 2]})
    assert in_language(frame) is frame
    said = {"view": "浏览", "kind": "类型"}
    monkeypatch.setattr(tables, "tr", lambda word: said.get(word, word))
    with speaking("zh"):
        shown, cells = in_language(frame), words_in_language(frame)
    assert shown.to_dict("list") == {"类型": ["浏览", ""], "rank": [1, 2]}
    assert cells.to_dict("list") == {"kind": ["浏览", ""], "rank": [1, 2]}
    assert frame["kind"].tolist() == ["view", ""]
