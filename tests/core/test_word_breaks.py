"""Lines and widths of any script: what a label, a hover text or a cut title is made of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.names import short_name
from core.word_breaks import beginning, columns, language_of, lines

MIXED = (
    "这款耳机的音质非常好，佩戴舒适。ราคาไม่แพงและเสียงดีมาก"
    " 「禁則処理」が必要です。Hello wide world 👩‍👩‍👧"
)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80), st.integers(2, 30))
def test_lines_hold_the_whole_text_in_their_width(text: str, width: int) -> None:
    made = lines(text, width)
    assert "".join("".join(made).split()) == "".join(text.split())
    for line in made:  # only a single character that a reader sees as one may be wider
        assert columns(line) <= width or beginning(line, 1) == line


def test_no_line_begins_with_what_ends_a_sentence_or_splits_a_thai_word() -> None:
    made = lines(MIXED, 20)
    assert not any(line[:1] in "，。」）" for line in made)
    assert any("ราคาไม่" in line for line in made) and made[-1].endswith("👩‍👩‍👧")
    assert [columns(text) for text in ("abc", "耳机", "ไม่", "é", "")] == [3, 4, 2, 1, 0]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("无线蓝牙耳机", "zh"),
        ("イヤホン 長時間", "ja"),
        ("무선 이어폰", "ko"),
        ("หูฟังไร้สาย", "th"),
        ("The word 好 in a sentence", ""),
        ("Über", ""),
        ("", ""),
        ("🎧🎧", ""),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "title",
    [
        "无线蓝牙耳机，主动降噪，超长续航，适合运动和通勤使用，黑色",
        "หูฟังไร้สายตัดเสียงรบกวนแบตเตอรี่นานเหมาะสำหรับออกกำลังกาย",
        "ワイヤレスイヤホン ノイズキャンセリング 長時間バッテリー ブラック",
    ],
)
def test_a_cut_title_takes_no_more_room_than_a_latin_one(title: str) -> None:
    cut = short_name(title, 36)
    assert 18 <= columns(cut) <= 36 and title.startswith(cut.removesuffix("…"))
