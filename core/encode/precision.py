"""Is bf16 faster on this processor? Measured once, written down, read ever after."""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from core.files import replace_text

Precision = Literal["fp32", "bf16"]

Shape = tuple[int, int]
"""Texts, and tokens of each."""

_SHAPE, _ROUNDS = (16, 64), 6
_LOOK, _HOPELESS = (4, 32), 2.0
"""Without instructions for it bf16 is several times slower: a small batch shows that at once."""


def processor_name() -> str:
    """The processor's model name and whether it has bf16 instructions."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(errors="replace") if info.is_file() else ""
    model = re.search(r"^model name\s*:(.*)", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:(.*)", text, re.MULTILINE)
    name = model[1].strip() if model else platform.processor() or platform.machine()
    instructions = set(flags[1].split()) if flags else set()
    relevant = ("avx512f", "avx512_bf16", "amx_bf16")
    return " ".join([name, *(unit for unit in relevant if unit in instructions)])


def choose_precision(
    load: Callable[[Precision], Any], record: Path | None, encoder_id: str
) -> Precision:
    """Time both formats on this processor, or read what an earlier run measured.

    ``load(precision)`` returns the network. The result is kept in the JSON file ``record`` under
    the processor, the torch version and the encoder.
    """
    import torch

    key = f"{processor_name()} / torch {torch.__version__} / {encoder_id}"
    known: dict[str, Any] = {}
    if record is not None and record.is_file():
        try:
            known = json.loads(record.read_text("utf-8"))
        except ValueError:
            known = {}
        if known.get(key, {}).get("chosen") in ("fp32", "bf16"):
            chosen: Precision = known[key]["chosen"]
            return chosen
    networks = {"fp32": load("fp32"), "bf16": load("bf16")}
    seconds = _fastest(networks, _LOOK, 2)
    if seconds["bf16"] < _HOPELESS * seconds["fp32"]:
        seconds = _fastest(networks, _SHAPE, _ROUNDS)
    choice: Precision = "bf16" if seconds["bf16"] < 0.9 * seconds["fp32"] else "fp32"
    if record is not None:
        known[key] = {"chosen": choice, "seconds": {k: round(v, 5) for k, v in seconds.items()}}
        record.parent.mkdir(parents=True, exist_ok=True)
        replace_text(record, json.dumps(known, indent=2, sort_keys=True))
    return choice


def _fastest(networks: dict[str, Any], shape: Shape, rounds: int) -> dict[str, float]:
    """Seconds of each network's fastest forward pass over a batch of one shape.

    They take turns, so that other work on the machine slows both alike.
    """
    seconds = dict.fromkeys(networks, float("inf"))
    for _ in range(rounds):
        for name, network in networks.items():
            seconds[name] = min(seconds[name], _time(network, shape))
    return seconds


def _time(network: Any, shape: Shape) -> float:
    import torch

    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1000, 2000, shape, generator=generator)
    with torch.inference_mode():
        started = time.perf_counter()
        network(input_ids=ids, attention_mask=torch.ones_like(ids))
        return time.perf_counter() - started
