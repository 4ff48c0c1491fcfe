"""A comparison as one file: what the page Compare shows, with the reviews behind the causes."""

from __future__ import annotations

from core.compare.comparison import Comparison
from core.compare.fork import Fork
from core.figures.compare import flow_figure, profiles_figure
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.language import tr
from core.scenario.edits import name_of
from core.views.compare import sentences as words
from core.views.compare.build import (
    build_compare,
    lists_table,
    models_sentence,
    moves_table,
    overlap_table,
    trust_sentence,
    with_names,
)
from core.views.what_if.edits import edit_words
from core.views.wording import KIND_WORDS, TITLE, number

LONGEST = 4_000
"""Characters of a review that are quoted."""


def fork_report(fork: Fork, name: str, palette: Palette) -> str:
    """What edits of a history change, as the same kind of report; they needn't be saved."""
    title = tr("What if: {name}", name=name or tr("a changed history"))
    return comparison_report(fork.named(name) if name else fork, palette, title)


def comparison_report(comparison: Comparison, palette: Palette, title: str = "") -> str:
    """The report as HTML; computes the causes where that hasn't been done yet."""
    view = build_compare(comparison)
    moves = moves_table(comparison, comparison.moves())
    moves["columns"] = [f"{move.a + 1} → {move.b + 1}" for move in comparison.moves()]
    shown = ["columns", "move", "item", "change", "cause", "contribution"]
    engine, cautions = comparison.engine, (trust_sentence(comparison), tr(words.CAUTION))
    columns = enumerate(zip(view.columns, comparison.columns, strict=True), start=1)
    return write_report(
        title or tr("How the list changed"),
        [
            words.made_with(engine.corpus.name, engine.model_id, engine.corpus.manifest.simulated),
            *(
                tr(
                    "{at}. {name}: {user}, {moment}, {recommender}",
                    at=at,
                    name=column.name,
                    user=column.user_id,
                    moment=words.step_phrase(column.step),
                    recommender=own.source_name,
                )
                for at, (column, own) in columns
            ),
        ],
        [
            Section(
                tr("Ranks"),
                tuple(s for s in (view.flow_sentence, view.next_sentence) if s),
                flow_figure(view, palette),
                with_names(view, lists_table(view)),
            ),
            Section(
                tr("What entered, left or moved, and what caused it"),
                tuple(filter(None, (models_sentence(comparison), *cautions))),
                table=moves[shown] if len(moves) else None,
            ),
            Section(tr("Edits"), _edits(comparison), quotes=_edited_texts(comparison)),
            Section(tr("The reviews behind it"), quotes=_reviews(comparison)),
            Section(
                tr("Overlap"),
                (tr(words.JACCARD), tr(words.RBO), tr(words.KENDALL)),
                table=overlap_table(view),
            ),
            Section(tr("Interests"), (view.profile_sentence,), profiles_figure(view, palette)),
        ],
        palette,
    )


def _edits(comparison: Comparison) -> tuple[str, ...]:
    """The edits of every scenario, each with the value before it and after it."""
    corpus = comparison.engine.corpus
    return tuple(
        tr(
            "{scenario}, edit {n}: {words}",
            scenario=column.scenario_name,
            n=at,
            words=edit_words(corpus, base, edits, at, None),
        )
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
            item = corpus.short_title(event.item_id, TITLE)
            name = tr(
                "{scenario}, {event}, {item}",
                scenario=column.scenario_name,
                event=name_of(handle),
                item=item,
            )
            if old is None:
                quotes.append((tr("{event}: added", event=name), quoted(event.words)))
                continue
            quotes.append((tr("{event}: before", event=name), quoted(old) or tr("no text")))
            quotes.append((tr("{event}: after", event=name), quoted(event.words)))
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
            item = comparison.engine.corpus.short_title(event.item_id, TITLE)
            user = pair[0].spec.user
            facts = {"step": step, "kind": tr(KIND_WORDS[event.kind]), "item": item, "user": user}
            if edited is None:
                name = tr("Step {step}, {kind} of {item}, {user}", **facts)
            else:
                name = tr("Step {step}, {kind} of {item}, {user}, original text", **facts)
            quotes[(user, step)] = (name, quoted(event.words))
    return tuple(quotes[key] for key in sorted(quotes))


def quoted(text: str) -> str:
    """A review as it is quoted; a cut one says so."""
    if len(text) <= LONGEST:
        return text
    rest = tr("({n} more characters)", n=number(len(text) - LONGEST))
    return f"{text[:LONGEST]}… {rest}"
