"""A model's recommenders judged on the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

from core.cluster import HERE, Machines
from core.domain import Part
from core.engine import Engine, EnginePlace
from core.evaluate.protocols import data_of_split
from core.evaluate.report import Ask, Judge, Question, Result
from core.measure.cases import cases
from core.progress import StopCallback


def asking(machines: Machines, engine: Engine, k: int) -> Ask | None:
    """How ``evaluate`` asks a model's own recommenders for its test cases; None in this process.

    A node asks one recommender at a time, for the cases that ``evaluate`` asks together, so
    that every score is the same.
    """
    if machines is HERE:
        return None
    place = engine.place()

    def ask(questions: Sequence[Question], stop: StopCallback | None) -> Iterator[Result]:
        return machines.map(partial(_answer, place, k), questions, stop)

    return ask


def _answer(place: EnginePlace, k: int, question: Question) -> Result:
    return _judge(place, k).answer(question)


@lru_cache(1)
def _judge(place: EnginePlace, k: int) -> Judge:
    engine, library = place.open(), place.library()
    parts = engine.corpus.parts
    data = data_of_split(engine.corpus, parts, library, engine.folder)
    recommenders = list(engine.model_recommenders.values())
    return Judge(recommenders, cases(engine.corpus, parts, Part.TEST), data, k)
