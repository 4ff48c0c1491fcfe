"""What a library runs on, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from core.language import tr
from core.machine import Machine
from core.views.wording import count

SHOWN = ("torch", "transformers", "streamlit", "pandas", "numpy")
"""Packages whose versions are said; JSON has all."""


def tell_machine(machine: Machine) -> Iterator[str]:
    """Versions, processor, memory and space; models and servers with their size; what is wrong."""
    versions = [f"{name} {machine.packages[name]}" for name in SHOWN if name in machine.packages]
    yield tr(", ").join([f"Python {machine.python}", *versions])  # no sentence
    cores = count(machine.cores, "core")
    facts = [tr("{cores}, {processor}", cores=cores, processor=machine.processor)]
    if machine.memory is not None and machine.memory_free is not None:
        sizes = {"memory": machine.memory, "free": machine.memory_free}
        facts.append(tr("memory {memory:,} MB, {free:,} MB free", **sizes))
    encoder = machine.encoder
    if machine.encoder_hash:
        encoder += f" ({machine.encoder_hash[:8]})"  # no sentence
    yield tr("; ").join([*facts, encoder])
    yield tr("{space:,} MB of disk space free for the library", space=machine.space)
    for model in machine.models:
        yield tr(
            "model {model} of {corpus}: {size:,} MB of tables and arrays stored, more when open",
            model=model.model_id,
            corpus=model.corpus,
            size=model.megabytes,
        )
    for server in machine.servers:
        yield tr(
            "server {pid}: {size:,.0f} MB with {sessions}; open: {models}",
            pid=server.pid,
            size=server.megabytes,
            sessions=count(server.sessions, "session"),
            models=tr(", ").join(server.models) or tr("no model"),
        )
    yield from (tr("wrong: {problem}", problem=problem) for problem in machine.wrong)
