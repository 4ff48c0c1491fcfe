"""How an encoder makes one vector of a text, beside its weights: a prefix, and the pooling.

Read from the files that sentence-transformers keeps with a model: ``modules.json``,
``1_Pooling/config.json`` and ``config_sentence_transformers.json``. A folder without them gives the
mean over all tokens and has no prefix. Vectors have unit length in any case.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from core.domain import DomainError
from core.files import Damaged, read_object, reason_of
from core.language import tr

Pooling = Literal["mean", "cls", "max"]

POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}
LONGEST_PREFIX = 500
E5 = re.compile(r"intfloat/(multilingual-)?e5-(small|base|large)(-v2)?")
"""Encoders whose prefix stands in their description only, not in their files."""


@dataclass(frozen=True)
class Description:
    """What a text becomes before it is read, and which vector of its tokens is its own."""

    prefix: str = ""
    pooling: Pooling = "mean"

    def fingerprint(self, max_tokens: int) -> str:
        """All of it in one line; without a prefix the line of older versions."""
        prefix = f"/{json.dumps(self.prefix)}" if self.prefix else ""
        return f"{self.pooling}/unit/{max_tokens}{prefix}"


def read_description(folder: Path, name: str) -> Description:
    """The description of the model in a folder; DomainError for parts that aren't done here."""
    pooling = _pooling(folder)
    prefix = _prefix(folder)
    if not prefix and E5.fullmatch(name):
        prefix = "query: "
    if len(prefix) > LONGEST_PREFIX:
        raise _refused(tr("its prefix has {n} characters", n=len(prefix)), folder)
    return Description(prefix, pooling)


def _prefix(folder: Path) -> str:
    """The prompt that sentence-transformers puts before a text when none is asked for."""
    facts = _object(folder / "config_sentence_transformers.json")
    prompts, name = facts.get("prompts"), facts.get("default_prompt_name")
    if not isinstance(prompts, dict) or name is None:
        return ""
    prefix = prompts.get(name)
    if not isinstance(prefix, str):
        raise _refused(tr("its prompt {name!r} is missing", name=name), folder)
    return prefix


def _pooling(folder: Path) -> Pooling:
    places = [folder / "1_Pooling"]
    if (folder / "modules.json").is_file():
        modules = _modules(folder / "modules.json")
        if unknown := [kind for kind, _ in modules if kind not in KNOWN]:
            raise _refused(tr("its module {name} is unknown here", name=unknown[0]), folder)
        places = [folder / path for kind, path in modules if kind == "Pooling"] or places
    if not places[0].resolve().is_relative_to(folder.resolve()):
        raise _refused(tr("its pooling lies outside its folder"), folder)
    facts = _object(places[0] / "config.json")
    modes = [name for name, value in facts.items() if name.startswith("pooling_mode_") and value]
    if isinstance(facts.get("pooling_mode"), str):  # how newer versions write it
        modes = [{word: mode for mode, word in POOLINGS.items()}.get(facts["pooling_mode"], "?")]
    if not modes:
        return "mean"
    if len(modes) > 1 or modes[0] not in POOLINGS:
        raise _refused(tr("its pooling is {modes}", modes=tr(" and ").join(modes)), folder)
    if facts.get("include_prompt") is False and _prefix(folder):
        raise _refused(tr("its pooling leaves out the prompt"), folder)
    return cast(Pooling, POOLINGS[modes[0]])


KNOWN = ("Transformer", "Pooling", "Normalize")


def _modules(path: Path) -> list[tuple[str, str]]:
    """Kinds and folders of the modules that make a vector, in their order."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        return [(str(each["type"]).rpartition(".")[2], str(each["path"])) for each in listed]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from None


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> Damaged:
    return Damaged(
        tr(
            "the encoder's {file} can't be read: {reason}",
            file=path.name,
            reason=reason_of(error),
        ),
        where=str(path),
        remedy=tr("Restore its files, or give another folder"),
    )


def _refused(problem: str, folder: Path) -> DomainError:
    return DomainError(
        tr(
            "the encoder makes its vectors in a way that is not supported: {problem}",
            problem=problem,
        ),
        where=str(folder),
        remedy=tr("Give one with mean, cls or max pooling and nothing after it but Normalize"),
    )
