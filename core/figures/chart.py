"""A figure as plain dictionaries, checked by plotly only where somebody asks for it.

Plotly's own ``Figure`` checks every property when it is set, and the whole subplot at every
annotation: 60 % of the processor time of a rerun (``benchmarks/reruns.py``). Here traces and layout
are collected as they are. ``data`` and ``layout`` are those of a checked plotly figure, so the
tests, which look at them, reject what plotly would reject.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure
from plotly.io import to_json

Spec = dict[str, Any]
MOVING = "moving"
"""A trace with this ``meta``, a shape or an annotation with this ``name``, is about one moment."""


class Chart(BaseFigure):  # type: ignore[misc]
    """A figure under construction, and afterwards; the few methods of a plotly figure that serve.

    A ``BaseFigure``, because Streamlit checks anything else by building a plotly figure of it. Its
    constructor, which would do so too, is not called.
    """

    _grid_ref = _grid_str = None
    frames = ()
    """What a plotly figure made of this one looks for."""

    def __init__(self, layout: Spec) -> None:
        self._traces: list[Spec] = []
        self._look: Spec = {"annotations": [], "shapes": [], **layout}
        self._checked: go.Figure | None = None

    def add_scatter(self, **trace: Any) -> None:
        """Add marks, lines or both."""
        self._add("scatter", trace)

    def add_sankey(self, **trace: Any) -> None:
        """Add nodes and the flows between them."""
        self._add("sankey", trace)

    def add_bar(self, **trace: Any) -> None:
        """Add bars."""
        self._add("bar", trace)

    def add_heatmap(self, **trace: Any) -> None:
        """Add cells."""
        self._add("heatmap", trace)

    def add_annotation(self, words: Mapping[str, Any]) -> None:
        """Add one of ``style.note``."""
        self._touch()
        self._look["annotations"] = [*self._look["annotations"], words]

    def add_shape(self, shape: Mapping[str, Any]) -> None:
        """Add a line or an area."""
        self._touch()
        self._look["shapes"] = [*self._look["shapes"], shape]

    def update_layout(self, **changes: Any) -> None:
        """Merge into the layout, dictionary by dictionary."""
        self._touch()
        self._look = _merged(self._look, changes)

    def update_xaxes(self, look: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Merge into every x axis."""
        self._update_axes("xaxis", {**(look or {}), **more})

    def update_yaxes(self, look: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Merge into every y axis."""
        self._update_axes("yaxis", {**(look or {}), **more})

    def to_dict(self) -> Spec:
        """Traces and layout as JSON may hold them; what is None is left out."""
        return {"data": [_plain(trace) for trace in self._traces], "layout": _plain(self._look)}

    def to_json(self) -> str:
        """The figure as plotly.js reads it."""
        return str(to_json(self.to_dict(), validate=False))

    def marks(self, name: str) -> list[tuple[Any, Any, Any]]:
        """What each mark of a trace carries, its x and its y."""
        named = (trace for trace in self._traces if trace.get("name") == name)
        return [mark for t in named for mark in zip(t["customdata"], t["x"], t["y"], strict=True)]

    def split(self, *parts: str) -> tuple[Chart, Spec]:
        """The figure without what is ``MOVING``, and that alone as plain dictionaries.

        The first stays as it is from step to step, so a browser need not build it anew; ``parts``
        name what else of the layout moves.
        """
        still = Chart({name: part for name, part in self._look.items() if name not in parts})
        moving: Spec = {"layout": {name: self._look[name] for name in parts}}
        for name, tag in (("data", "meta"), ("shapes", "name"), ("annotations", "name")):
            every = self._traces if name == "data" else self._look[name]
            moving[name] = [part for part in every if part.get(tag) == MOVING]
            rest = [part for part in every if part.get(tag) != MOVING]
            if name == "data":
                still._traces = rest
            else:
                still._look[name] = rest
        return still, _plain(moving)

    @property
    def data(self) -> Any:
        """The traces of a checked plotly figure."""
        return self._check().data

    @property
    def layout(self) -> Any:
        """The layout of a checked plotly figure."""
        return self._check().layout

    def _check(self) -> go.Figure:
        if self._checked is None:
            self._checked = go.Figure({"data": self._traces, "layout": self._look})
        return self._checked

    def _add(self, kind: str, trace: Spec) -> None:
        self._touch()
        self._traces.append({"type": kind, **trace})

    def _update_axes(self, name: str, look: Mapping[str, Any]) -> None:
        numbered = re.compile(f"{name}[0-9]+")
        names = {name, *filter(numbered.fullmatch, self._look)}
        self.update_layout(**dict.fromkeys(names, look))

    def _touch(self) -> None:
        self._checked = None


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Spec:
    merged = dict(old)
    for name, value in new.items():
        known = merged.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(known, value) if both else value  # type: ignore[arg-type]
    return merged


def _plain(value: Any) -> Any:
    """A value without arrays; a number that JSON can't hold is None."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            return [part if np.isfinite(part) else None for part in value.tolist()]
        return value.tolist()
    if isinstance(value, list | tuple):
        simple = all(type(part) in (str, int, float, bool) for part in value)
        return list(value) if simple else [_plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value
