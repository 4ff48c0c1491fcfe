"""A comparison as one file: what the page Compare shows, with the reviews behind the causes."""

from __future__ import annotations

from core.compare.comparison import Comparison
from core.figures.compare import flow_figure, profiles_figure
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.views import compare_tables as tables
from core.views import compare_wording as words
from core.views.compare import build_compare, event_name, move_rows, trust_sentence

LONGEST = 4_000
"""Characters of a review that are quoted."""


def comparison_report(comparison: Comparison, palette: Palette) -> str:
    """The report as HTML; computes the causes where that hasn't been done yet."""
    view = build_compare(comparison)
    rows = move_rows(comparison, comparison.moves())
    shown = ["columns", "move", "item", "change", "cause"]
    moves = tables.moves_table(view, rows)
    moves["columns"] = [f"{row.a + 1} → {row.b + 1}" for row in rows]
    engine = comparison.engine
    return write_report(
        "How the list changed",
        [
            words.made_with(engine.corpus.name, engine.model_id, engine.corpus.manifest.simulated),
            *(
                f"{at}. {column.name}: {column.user_id}, {words.step_phrase(column.step)}, "
                f"{column.recommender}"
                for at, column in enumerate(view.columns, start=1)
            ),
        ],
        [
            Section(
                "Ranks",
                tuple(s for s in (view.flow_sentence, view.next_sentence) if s),
                flow_figure(view, palette),
                tables.lists_table(view),
            ),
            Section(
                "What entered, left or moved, and what caused it",
                (trust_sentence(comparison), words.CAUTION),
                table=moves[shown] if len(moves) else None,
            ),
            Section("The reviews behind it", quotes=_reviews(comparison)),
            Section(
                "Overlap",
                (words.JACCARD, words.RBO, words.KENDALL),
                table=tables.overlap_table(view),
            ),
            Section("Interests", (view.profile_sentence,), profiles_figure(view, palette)),
        ],
        palette,
    )


def _reviews(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The texts of the events that are causes, in order of time."""
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for move in comparison.moves():
        step = move.cause.step if move.cause is not None else None
        if step is None:
            continue
        longer = max(comparison.columns[move.a : move.b + 1], key=lambda column: column.step)
        text = longer.history.events[step - 1].words
        if text:
            quoted = text if len(text) <= LONGEST else text[:LONGEST] + "…"
            name = event_name(comparison, move.a, step)
            found[(longer.spec.user, step)] = (name[:1].upper() + name[1:], quoted)
    return tuple(found[key] for key in sorted(found))
