"""What a map shows behind a path: the crowd, the landmarks, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray
from core.language import tr

if TYPE_CHECKING:
    from core.engine import Engine


@dataclass(frozen=True, slots=True)
class Landmark:
    """A name at a position on the map."""

    label: str
    """What stands there: a topic."""
    topic: int
    """Index of the topic, which gives its hue."""
    x: float
    """Map coordinate; the map has no unit."""
    y: float
    """Map coordinate; the map has no unit."""


@dataclass(frozen=True, slots=True, eq=False)
class MapView:
    """The part of a map that is the same for every user of a model."""

    crowd: FloatArray
    """States of all users, float32[n_states, 2]."""
    crowd_topics: npt.NDArray[np.int16]
    """Leading topic of each state, int16[n_states]."""
    landmarks: tuple[Landmark, ...]
    """One name per topic, in the middle of the states that it leads."""
    sentence: str
    """What the map is worth, in words."""


def build_map(engine: Engine) -> MapView:
    """The map of a model: its states, and each topic's name amid the states that it leads."""
    states, topics = engine.map.states, engine.map.state_topics
    marks = []
    for topic, label in enumerate(engine.topics.names):
        of_topic = states[topics == topic]
        if len(of_topic):
            x, y = np.median(of_topic, axis=0)
            marks.append(Landmark(label, topic, float(x), float(y)))
    return MapView(states, topics, tuple(marks), trust_sentence(engine.map.trustworthiness))


def trust_sentence(trustworthiness: float | None) -> str:
    """What the map is worth."""
    if trustworthiness is None:
        return tr("The trustworthiness of this map was not measured.")
    return tr(
        "Map trustworthiness: {trust:.2f} (1 = all neighbours preserved). Treat distances on the "
        "map as approximate.",
        trust=trustworthiness,
    )
