"""What a library runs on, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from core.machine import Machine
from core.views.wording import count

SHOWN = ("torch", "transformers", "streamlit", "pandas", "numpy")
"""Packages whose versions are said; JSON has all."""


def tell_machine(machine: Machine) -> Iterator[str]:
    """Versions, processor, memory and space; models and servers with their size; what is wrong."""
    versions = [f"{name} {machine.packages[name]}" for name in SHOWN if name in machine.packages]
    yield f"Python {machine.python}, {', '.join(versions)}"
    memory = ""
    if machine.memory is not None and machine.memory_free is not None:
        memory = f"memory {machine.memory:,} MB, {machine.memory_free:,} MB free; "
    encoder = machine.encoder
    if machine.encoder_hash:
        encoder += f" ({machine.encoder_hash[:8]})"
    yield f"{count(machine.cores, 'core')}, {machine.processor}; {memory}{encoder}"
    yield f"{machine.space:,} MB of disk space free for the library"
    for model in machine.models:
        size = f"{model.megabytes:,} MB of tables and arrays stored, more when open"
        yield f"model {model.model_id} of {model.corpus}: {size}"
    for server in machine.servers:
        size = f"{server.megabytes:,.0f} MB with {count(server.sessions, 'session')}"
        yield f"server {server.pid}: {size}; open: {', '.join(server.models) or 'no model'}"
    yield from (f"wrong: {problem}" for problem in machine.wrong)
