"""The palette keeps its promises: contrast, colour-blind distance, stable topic colours."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest

from core.domain import EventKind
from core.figures.palette import (
    DARK,
    HUES,
    KIND_GLYPHS,
    KIND_SYMBOLS,
    LIGHT,
    Palette,
    channels,
    contrast,
)

PROJECT = Path(__file__).resolve().parents[3]
BOTH = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])

# Machado, Oliveira and Fernandes 2009, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def oklab(color: str, vision: str) -> np.ndarray:
    """The colour as seen, in OKLab (Ottosson 2020)."""
    srgb = np.array(channels(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
    cones = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ seen
    )
    return (
        np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        )
        @ cones
    )


@BOTH
def test_every_mark_has_a_contrast_of_three_to_one(palette: Palette) -> None:
    marks = [*palette.topics, palette.other, palette.accent]
    marks += [palette.sentiment(value) for value in np.linspace(-1, 1, 21)]
    assert min(contrast(mark, palette.background) for mark in marks) >= 3


@BOTH
def test_words_have_a_contrast_of_four_and_a_half_to_one(palette: Palette) -> None:
    assert contrast(palette.text, palette.background) >= 7
    assert contrast(palette.muted, palette.background) >= 4.5
    fills = [*palette.topics, palette.other]
    assert min(contrast(palette.text_on(fill), fill) for fill in fills) >= 4.5


@BOTH
@pytest.mark.parametrize(
    ("vision", "apart"), [("normal", 0.1), ("protan", 0.06), ("deutan", 0.06), ("tritan", 0.07)]
)
def test_topics_stay_apart_for_every_eye(palette: Palette, vision: str, apart: float) -> None:
    seen = [oklab(color, vision) for color in (*palette.topics, palette.other)]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest >= apart


@BOTH
@pytest.mark.parametrize("vision", VISIONS)
def test_sentiment_ends_stay_apart_for_every_eye(palette: Palette, vision: str) -> None:
    ends = [oklab(palette.sentiment(value), vision) for value in (-1, 0, 1)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(ends, 2)) >= 0.06


@BOTH
def test_background_is_that_of_the_streamlit_theme(palette: Palette) -> None:
    config = tomllib.loads((PROJECT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    theme = config["theme"][palette.name]
    assert theme["backgroundColor"] == palette.background
    assert theme["textColor"] == palette.text


def test_a_topic_keeps_its_hue_and_the_tenth_is_grey() -> None:
    assert LIGHT.topic(0) == LIGHT.topics[0]
    assert LIGHT.topic(HUES) == LIGHT.topic(40) == LIGHT.topic(-1) == LIGHT.other
    assert len({*LIGHT.topics}) == len({*DARK.topics}) == HUES


def test_sentiment_without_text_is_grey_and_values_beyond_the_ends_are_cut() -> None:
    assert LIGHT.sentiment(None) == LIGHT.sentiment(float("nan")) == LIGHT.other
    assert LIGHT.sentiment(-3) == LIGHT.negative
    assert LIGHT.sentiment(1) == LIGHT.positive


def test_every_kind_has_its_own_shape() -> None:
    assert set(KIND_SYMBOLS) == set(EventKind)
    assert len(set(KIND_SYMBOLS.values())) == len(EventKind)
    assert set(KIND_GLYPHS) == set(EventKind)
    assert len(set(KIND_GLYPHS.values())) == len(EventKind)
