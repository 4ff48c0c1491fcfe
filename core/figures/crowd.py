"""The crowd behind every path as a picture: drawn once per model and theme, not at every pick.

Where the browser has no graphics card, redrawing 8,000 WebGL marks at every pick took longer than
all other charts of the page together; a picture costs nothing, and its opacity shows density.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import convolve

from core.figures.palette import HUES, Palette, channels
from core.views.interest_map import MapView

SIDE = 800
"""Pixels of the longer side."""
RADIUS = 2
"""Of one state's dot, in these pixels."""
BORDER = 2 * RADIUS


def crowd_image(view: MapView, palette: Palette) -> dict[str, Any]:
    """A plotly layout image in map coordinates: a dot per state, in the hue of its topic.

    Overlapping dots mix their hues and add up to more opacity.
    """
    low = view.crowd.min(axis=0)
    extent = np.maximum(np.ptp(view.crowd, axis=0), 1e-6)
    scale = (SIDE - 2 * BORDER) / float(extent.max())
    width, height = (int(np.ceil(side * scale)) + 2 * BORDER for side in extent)
    columns, rows = np.rint((view.crowd - low) * scale).astype(int).T + BORDER
    counts = np.zeros((HUES + 1, height, width), np.float32)
    np.add.at(counts, (view.crowd_topics.clip(0, HUES), rows, columns), 1)
    offsets = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = np.clip(RADIUS + 0.5 - np.hypot(*offsets), 0, 1).astype(np.float32)
    covers = np.stack([convolve(count, disc, mode="constant") for count in counts])
    total = covers.sum(axis=0)
    inks = np.array([channels(ink) for ink in (*palette.topics, palette.other)], np.float32)
    colours = np.einsum("thw,tc->hwc", covers, inks) / np.maximum(total, 1e-6)[..., None]
    opacity = 1 - (1 - dot_opacity(len(view.crowd))) ** total
    pixels = np.dstack([colours, opacity[..., None]])[::-1]
    return {
        "source": data_uri((pixels * 255).round().astype(np.uint8)),
        "xref": "x",
        "yref": "y",
        "x": float(low[0]) - BORDER / scale,
        "y": float(low[1]) - BORDER / scale + height / scale,
        "sizex": width / scale,
        "sizey": height / scale,
        "sizing": "stretch",
        "layer": "below",
    }


def dot_opacity(n: int) -> float:
    """Fainter dots for larger crowds, so that density shows and nothing shouts."""
    return float(np.clip(60 / max(n, 1) ** 0.6, 0.12, 0.5))


def data_uri(pixels: np.ndarray) -> str:
    """uint8[height, width, 4] as a PNG inside a data URI."""
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").quantize(255, method=Image.Quantize.FASTOCTREE).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
