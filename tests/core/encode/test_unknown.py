"""Unknown word pieces: measured by script, and too many refuse a training in one line."""

from __future__ import annotations

import pytest

from core.domain import DomainError
from core.encode.unknown import GO_ON, TOO_MANY, UnknownPieces, measure_unknown


def test_the_default_encoder_knows_english_and_no_chinese() -> None:
    english = measure_unknown(["Great strings, bright tone.", "It buzzed from day one."])
    assert english.share == 0 and not english.is_too_much and not english.scripts
    english.refuse()
    mixed = measure_unknown(["温暖的琴弦 warm strings"])
    assert mixed.scripts.keys() == {"Chinese characters"}
    assert 0 < mixed.share < mixed.scripts["Chinese characters"] <= 1


def test_the_refusal_is_one_line_with_the_way_out() -> None:
    with pytest.raises(DomainError) as error:
        measure_unknown(["这把吉他的音色很温暖，弦距也低。"]).refuse()
    said = str(error.value)
    assert "\n" not in said and "--encoder multilingual" in said and GO_ON in said


def test_the_limit_itself_is_allowed() -> None:
    assert not UnknownPieces("an encoder", TOO_MANY, {}).is_too_much


def test_no_text_has_nothing_unknown() -> None:
    assert measure_unknown([]).share == 0
