"""What a strategy for a model would gain and cost: refitted weights, and re-ranking."""

from __future__ import annotations

from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.evaluate.protocols import data_of_split
from core.language import mark, tr
from core.progress import ProgressCallback, StopCallback, part_of
from core.recommend.joint import Joint
from core.recommend.training_data import TrainingData
from core.strategy.adjusted import Adjusted, Settings
from core.strategy.price import Prices, measure_prices
from core.strategy.reweighing import Reweighed, reweigh


def joint_of_model(engine: Engine) -> Joint:
    """The model's joint; DomainError in a model without one."""
    joint = engine.recommender()
    if not isinstance(joint, Joint):
        command = f"python -m core train {engine.corpus.name}"  # no sentence
        raise DomainError(
            tr("this model has no joint to adjust"),
            where=tr("model {id}", id=engine.model_id),
            remedy=tr("Train again: {command}", command=command),
        )
    return joint


def data_of_model(engine: Engine, library: Library) -> TrainingData:
    """What the model learned from."""
    split = engine.corpus.parts
    return data_of_split(engine.corpus, split, library, engine.folder)


def measure_strategy(
    engine: Engine,
    library: Library,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[Reweighed | DomainError, Prices]:
    """The proposal of refitted weights, or why there is none, and the prices of re-ranking.

    DomainError in a model without a joint. Raises Stopped.
    """
    joint, data = joint_of_model(engine), data_of_model(engine, library)
    proposal: Reweighed | DomainError
    try:
        told = part_of(progress, mark("Weights"))
        proposal = reweigh(engine.corpus, engine.model_id, joint, data, told, stop)
    except DomainError as error:
        proposal = error
    adjusted = Adjusted.of("priced", joint, Settings(), engine.interest.item_vectors, None)
    return proposal, measure_prices(adjusted, data, part_of(progress, mark("Prices")), stop)
