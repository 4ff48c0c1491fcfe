"""A joint and its components on the same cases: what a component says is made once for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.arrays import FloatArray
from core.domain import History
from core.recommend.joint import Joint
from core.recommend.protocol import Recommender


@dataclass(eq=False)
class Once:
    """A recommender that keeps its last answer, for whoever asks about the same list of histories.

    Answers are for reading.
    """

    recommender: Recommender
    _asked: Sequence[History] | None = field(default=None, repr=False)
    _said: FloatArray | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """The recommender's own."""
        return self.recommender.id

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        """As the recommender's."""
        if self._said is None or histories is not self._asked:
            self._said = self.recommender.log_probabilities(histories)
            self._asked = histories
        return self._said


def asked_once(recommenders: Sequence[Recommender]) -> list[Recommender]:
    """The same in their order, with components that a joint among them shares with the list."""
    listed = {id(each) for each in recommenders}
    shared = {
        id(component): Once(component)
        for joint in recommenders
        if isinstance(joint, Joint)
        for component in joint.components
        if id(component) in listed
    }

    def sharing(each: Recommender) -> Recommender:
        if not isinstance(each, Joint):
            return shared.get(id(each), each)
        components = tuple(shared.get(id(component), component) for component in each.components)
        return replace(each, components=components)

    return [sharing(each) for each in recommenders] if shared else list(recommenders)
