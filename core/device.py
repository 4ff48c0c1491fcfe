"""Where tensors live while encoding and training: the CPU, or an accelerator where one is at hand.

A trained model is always opened on the CPU: single histories are too small to gain from more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain import DomainError
from core.language import mark, tr

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
_WHAT = {"cuda": mark("NVIDIA GPU"), "mps": mark("Apple GPU")}


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name; ``auto`` takes an accelerator where torch can use one.

    DomainError for an unknown name and for a device that torch can't use here.
    """
    import torch

    if name not in DEVICES:
        raise DomainError(
            tr("no device {name!r}", name=name),
            where="--device",
            remedy=tr("Give one of {names}", names=tr(", ").join(DEVICES)),
        )
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, usable in here.items() if usable), "cpu")
    if not here.get(name, True):
        raise DomainError(
            tr(
                "torch {version} finds no {device} here",
                version=torch.__version__,
                device=tr(_WHAT[name]),
            ),
            where=f"--device {name}",  # no sentence
            remedy=tr("Give --device cpu, or install a build of torch for that device"),
        )
    return torch.device(name)


def device_words(device: torch.device) -> str:
    """The device's type and, where torch knows it, its name: ``cuda: NVIDIA H100``."""
    import torch

    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"  # no sentence
    return device.type
