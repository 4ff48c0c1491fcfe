"""Trainings and updates of a model as background work."""

from __future__ import annotations

from collections.abc import Sequence

from core import tasks
from core.model.config import InterestConfig
from core.processes import Task
from pages._shared import loaders


def training(
    name: str,
    options: InterestConfig,
    item_text: Sequence[str] | None = None,
    encoder: str | None = None,
    users: int | None = None,
) -> Task:
    """The training of a model on a corpus; its result is the model folder."""
    columns = list(item_text) if item_text is not None else None
    facts = {"item_text": columns, "encoder": encoder, "users": users}
    about = {"corpus": name, "options": options.to_json(), **facts}
    return Task(tasks.train, loaders.library().root, about)


def updating(name: str) -> Task:
    """The update of a corpus's newest model; its result is the new folder."""
    return Task(tasks.update, loaders.library().root, {"corpus": name})
