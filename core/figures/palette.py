"""Colours and marks, the same on every page: topic is hue, sentiment is one scale, kind is shape.

Nine hues and a grey per theme. They start from Okabe and Ito's palette
(https://jfly.uni-koeln.de/color/), tuned so that every colour has a contrast of 3:1 or better with
its background and stays apart from every other for the three kinds of colour blindness
(tests/core/figures/test_palette.py computes both).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.domain import EventKind

ThemeName = Literal["light", "dark"]

HUES = 9
"""Topics with an index below this have a hue of their own; the rest is grey."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Every colour of one theme, as ``#RRGGBB``."""

    name: ThemeName
    """Which theme this is."""
    background: str
    """The page; equal to .streamlit/config.toml."""
    text: str
    """Words and the marks that matter most."""
    muted: str
    """Axis labels, captions, marks of second rank."""
    faint: str
    """Grid lines, bands and the crowd behind a path."""
    accent: str
    """What is selected or edited."""
    topics: tuple[str, ...]
    """Nine hues in topic order."""
    other: str
    """Topics beyond the ninth, and "no sentiment"."""
    negative: str
    """Sentiment -1."""
    neutral: str
    """Sentiment 0."""
    positive: str
    """Sentiment +1."""

    def topic(self, index: int) -> str:
        """The colour of a topic by its index in ``Topics.names``; the same for every user."""
        return self.topics[index] if 0 <= index < HUES else self.other

    def sentiment(self, value: float | None) -> str:
        """The colour of a sentiment in [-1, 1]; grey for none (None or NaN)."""
        if value is None or value != value:
            return self.other
        end = self.positive if value >= 0 else self.negative
        return mix(self.neutral, end, min(abs(value), 1.0))

    def text_on(self, fill: str) -> str:
        """Black or white, whichever reads better on ``fill``."""
        return max(("#FFFFFF", "#111418"), key=lambda ink: contrast(ink, fill))


LIGHT = Palette(
    name="light",
    background="#FFFFFF",
    text="#14181D",
    muted="#5D6570",
    faint="#E4E7EB",
    accent="#4A3AD0",
    topics=(
        "#1A62BB",
        "#DB7A14",
        "#079164",
        "#B94D94",
        "#2A9CDD",
        "#A83411",
        "#8A750C",
        "#79479B",
        "#0B5C64",
    ),
    other="#8A8F98",
    negative="#C4570A",
    neutral="#8A8F98",
    positive="#1A69C4",
)

DARK = Palette(
    name="dark",
    background="#15171B",
    text="#E8EAED",
    muted="#A3ABB6",
    faint="#2C3037",
    accent="#A79DFF",
    topics=(
        "#4D88E5",
        "#EB9013",
        "#38B88D",
        "#DE9ABE",
        "#8DC0EB",
        "#E1683E",
        "#DDCB5D",
        "#B294EE",
        "#5AE2DB",
    ),
    other="#7E858F",
    negative="#F2914A",
    neutral="#7E858F",
    positive="#62A8F7",
)

PALETTES: dict[ThemeName, Palette] = {"light": LIGHT, "dark": DARK}

KIND_SYMBOLS: dict[EventKind, str] = {
    EventKind.VIEW: "circle",
    EventKind.CLICK: "triangle-right",
    EventKind.LIKE: "cross",
    EventKind.CART: "triangle-down",
    EventKind.PURCHASE: "square",
    EventKind.RATING: "star",
    EventKind.REVIEW: "diamond",
}
"""Marker shape by kind of event (plotly names); hollow shapes are made with "-open"."""
KIND_GLYPHS: dict[EventKind, str] = {
    EventKind.VIEW: "●",
    EventKind.CLICK: "▶",
    EventKind.LIKE: "✚",
    EventKind.CART: "▼",
    EventKind.PURCHASE: "■",
    EventKind.RATING: "★",
    EventKind.REVIEW: "◆",
}
"""The same shapes in words."""


def channels(color: str) -> tuple[float, float, float]:
    """``#RRGGBB`` as sRGB channels in [0, 1]."""
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def mix(start: str, end: str, share: float) -> str:
    """The colour a ``share`` in [0, 1] of the way from ``start`` to ``end``, in sRGB."""
    pairs = zip(channels(start), channels(end), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * share)):02X}" for a, b in pairs)


def rgba(color: str, alpha: float) -> str:
    """``#RRGGBB`` with an opacity in [0, 1], as plotly reads it."""
    red, green, blue = (round(255 * channel) for channel in channels(color))
    return f"rgba({red},{green},{blue},{alpha:g})"


def luminance(color: str) -> float:
    """Relative luminance in [0, 1] (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
