"""A comparison as one file: what the page Compare shows, with the reviews behind the causes."""

from __future__ import annotations

from core.compare.comparison import Comparison
from core.compare.fork import Fork
from core.figures.compare import flow_figure, profiles_figure
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.scenario.edits import name_of
from core.views.compare import sentences as words
from core.views.compare.build import (
    build_compare,
    lists_table,
    models_sentence,
    moves_table,
    overlap_table,
    trust_sentence,
)
from core.views.what_if.edits import edit_words
from core.views.wording import TITLE, number, short

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
    engine, cautions = comparison.engine, (trust_sentence(comparison), words.CAUTION)
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
                tuple(filter(None, (models_sentence(comparison), *cautions))),
                table=moves[shown] if len(moves) else None,
            ),
            Section("Edits", _edits(comparison), quotes=_edited_texts(comparison)),
            Section("The reviews behind it", quotes=_reviews(comparison)),
            Section(
                "Overlap", (words.JACCARD, words.RBO, words.KENDALL), table=overlap_table(view)
            ),
            Section("Interests", (view.profile_sentence,), profiles_figure(view, palette)),
        ],
        palette,
    )


def _edits(comparison: Comparison) -> tuple[str, ...]:
    """The edits of every scenario, each with the value before it and after it."""
    corpus = comparison.engine.corpus
    return tuple(
        f"{column.scenario}, edit {at}: {edit_words(corpus, base, edits, at, None)}"
        for column in comparison.columns
        if column.edited is not None
        for base, edits in [(column.edited.base, column.edited.edits)]
        for at in range(1, len(edits) + 1)
    )


def _edited_texts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The reviews that edits wrote or rewrote: as they were, and as they are."""
    corpus = comparison.engine.corpus
    quotes: list[tuple[str, str]] = []
    for column in comparison.columns:
        edited = column.edited
        if edited is None:
            continue
        for handle, event in zip(edited.origins, edited.history.events, strict=True):
            old = edited.base.events[handle - 1].words if isinstance(handle, int) else None
            if event.words == (old or ""):
                continue
            item = short(corpus.title(event.item_id), TITLE)
            name = f"{column.scenario}, {name_of(handle)}, {item}"
            if old is not None:
                quotes.append((f"{name}: before", quoted(old) or "no text"))
            quotes.append((f"{name}: {'added' if old is None else 'after'}", quoted(event.words)))
    return tuple(quotes)


def _reviews(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """The texts of the events that are causes, in order of time, as the user wrote them."""
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
            item = short(comparison.engine.corpus.title(event.item_id), TITLE)
            original = "" if edited is None else ", original text"
            name = f"Step {step}, {event.kind.value} of {item}, {pair[0].spec.user}{original}"
            quotes[(pair[0].spec.user, step)] = (name, quoted(event.words))
    return tuple(quotes[key] for key in sorted(quotes))


def quoted(text: str) -> str:
    """A review as it is quoted; a cut one says so."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({number(len(text) - LONGEST)} more characters)"
