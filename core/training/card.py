"""The model card, Markdown: what a model was made from, how good it is, where it ends."""

from __future__ import annotations

from pathlib import Path

from core.corpus.manifest import Manifest
from core.model.folder import ModelConfig
from core.model.metrics import Metrics
from core.recommend.registry import NAMES


def model_card(manifest: Manifest, config: ModelConfig, metrics: Metrics) -> str:
    """The card, by the template ``card.md.jinja``."""
    from jinja2 import Environment, StrictUndefined

    text = (Path(__file__).parent / "card.md.jinja").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    environment.keep_trailing_newline = True
    template = environment.from_string(text)
    return template.render(manifest=manifest, config=config, metrics=metrics, names=NAMES)
