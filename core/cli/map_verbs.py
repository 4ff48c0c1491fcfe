"""The verb about the map: how far to trust it, a second seed's, all states as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.model_verbs import Asked
from core.cli.output import answer, progress_bar
from core.language import tr


def show_map(
    asked: Asked,
    refit: Annotated[
        bool,
        typer.Option("--refit", help=tr("Fit the states with another seed; kept in the library.")),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help=tr("Write all states for embedding-atlas.")),
    ] = None,
) -> None:
    """Say how far to trust the map, beside another seed's, and write its states as Parquet."""
    from core.cohorts.atlas import write_atlas
    from core.cohorts.second_map import make_second, read_second
    from core.interest_map.kept import kept_of

    engine, shelf = asked.engine(), asked.shelf()
    kept = kept_of(engine.map)
    with progress_bar() as progress:
        second = make_second(shelf, engine, progress) if refit else read_second(shelf, engine)
        atlas = write_atlas(engine, out, progress) if out is not None else None
    trust, continuity = float(kept.trust.mean()), float(kept.continuity.mean())
    facts: dict[str, Any] = {
        "states": len(kept.trust),
        "trustworthiness": trust,
        "continuity": continuity,
        "second": None,
        "atlas": None,
    }
    lines = [
        tr(
            "{n:,} reference states, 15 neighbours: trustworthiness {trust:.3f}, continuity "
            "{continuity:.3f} (1 = all neighbours kept, .5 = chance)",
            n=len(kept.trust),
            trust=trust,
            continuity=continuity,
        )
    ]
    if second is not None:
        shared = float(second.shared.mean())
        facts["second"] = {"seed": second.seed, "shared": shared, "chance": second.chance}
        lines.append(
            tr(
                "a second map (seed {seed}) keeps {shared:.0%} of the nearest neighbours; by "
                "chance {chance:.1%}",
                seed=second.seed,
                shared=shared,
                chance=second.chance,
            )
        )
    else:
        lines.append(tr("no second map: --refit fits one"))
    if atlas is not None:
        facts["atlas"] = {
            "file": str(atlas.file),
            "states": atlas.states,
            "items": atlas.items,
            "neighbours": atlas.has_neighbours,
            "bytes": atlas.bytes,
            "command": atlas.command,
        }
        lines.append(
            tr(
                "{states:,} states and {items:,} items: {file}; open it with {command}",
                states=atlas.states,
                items=atlas.items,
                file=atlas.file,
                command=atlas.command,
            )
        )
    answer(facts, lines, as_json=asked.json)


VERBS = {"map": show_map}
