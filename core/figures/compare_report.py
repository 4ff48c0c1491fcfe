"""A comparison as one file: what the page Compare shows, with the reviews behind the causes."""

from __future__ import annotations

from core.compare.comparison import Comparison
from core.compare.fork import Fork
from core.figures.compare import flow_figure, profiles_figure
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.views.compare import sentences as words
from core.views.compare.build import (
    build_compare,
    lists_table,
    moves_table,
    overlap_table,
    trust_sentence,
)
from core.views.wording import TITLE, short

LONGEST = 4_000
"""Characters of a review that are quoted."""


def fork_report(fork: Fork, name: str, palette: Palette) -> str:
    """What edits of a history change, as the same kind of report; they needn't be saved."""
    title = f"What if: {name or 'a changed history'}"
    return comparison_report(fork.named(name or "edited"), palette, title)


def comparison_report(
    comparison: Comparison, palette: Palette, title: str = "How the list changed"
) -> str:
    """The report as HTML; computes the causes where that hasn't been done yet."""
    view = build_compare(comparison)
    moves = moves_table(comparison, comparison.moves())
    moves["columns"] = [f"{move.a + 1} → {move.b + 1}" for move in comparison.moves()]
    shown = ["columns", "move", "item", "change", "cause", "contribution"]
    engine = comparison.engine
    return write_report(
        title,
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
                lists_table(view),
            ),
            Section(
                "What entered, left or moved, and what caused it",
                (trust_sentence(comparison), words.CAUTION),
                table=moves[shown] if len(moves) else None,
            ),
            Section("Edits", _edits(comparison)),
            Section("The reviews behind it", quotes=_reviews(comparison)),
            Section(
                "Overlap", (words.JACCARD, words.RBO, words.KENDALL), table=overlap_table(view)
            ),
            Section("Interests", (view.profile_sentence,), profiles_figure(view, palette)),
        ],
        palette,
    )


def _edits(comparison: Comparison) -> tuple[str, ...]:
    """The edits of every scenario."""
    return tuple(
        f"{column.scenario}, edit {number}: {edit.label}"
        for column in comparison.columns
        if column.edited is not None
        for number, edit in enumerate(column.edited.edits, start=1)
    )


def _reviews(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The texts of the events that are causes, in order of time; of edited ones the original."""
    quotes: dict[tuple[str, int], tuple[str, str]] = {}
    for move in comparison.moves():
        step = move.cause_step
        if step is None:
            continue
        pair = comparison.columns[move.a : move.b + 1]
        edited = next((column.edited for column in pair if column.edited is not None), None)
        longer = max((column.history for column in pair), key=len)
        event = (longer if edited is None else edited.base).events[step - 1]
        if event.words:
            quoted = event.words[:LONGEST] + ("…" if len(event.words) > LONGEST else "")
            item = short(comparison.engine.corpus.event_title(event), TITLE)
            name = f"Step {step}, {event.kind.value} of {item}, {pair[0].spec.user}"
            quotes[(pair[0].spec.user, step)] = (name, quoted)
    return tuple(quotes[key] for key in sorted(quotes))
