"""The Compare page: lists side by side, what they share, what moved, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.arrays import FloatArray
from core.compare.causes import Cause, Changes, Move
from core.compare.columns import Column
from core.compare.comparison import Comparison, Overlap
from core.compare.model_causes import is_separated
from core.language import ENGLISH, speaking, tr, trc
from core.recommend.registry import NAMES
from core.views.compare import sentences as words
from core.views.tables import table
from core.views.what_if.edits import edit_words
from core.views.wording import KIND_WORDS, TITLE, day, joined, nats, rating, short, signed

if TYPE_CHECKING:
    from core.engine import Engine

MOVES = (
    "item_id move=words kind rank_from=before rank_to=after "  # no sentence
    "catalogue_rank_from=rank_before catalogue_rank_to=rank_after change=score_change "
    "contribution=cause.contribution cause_step"
)
TYPES = {"rank_from": "Int64", "rank_to": "Int64", "contribution": "float64"}
TYPES |= {"catalogue_rank_from": "Int64", "catalogue_rank_to": "Int64", "cause_step": "Int64"}


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column: a list and its moment."""

    name: str
    """How it differs from the other columns, in one line."""
    short: str
    """Number and name without the date, for narrow places."""
    user_id: str
    """Whose list."""
    step: int
    """Events seen; the time that Explain and Timeline open at."""
    recommender: str
    """Which recommender made it, or the name of served lists."""
    explains: bool
    """Whether Explain can open it: a recommender's list after the user's own events."""
    profile: FloatArray
    """The interest model's profile then, float32[n_topics], sums to 1."""
    next_item: str | None
    """Title of the actual next item."""
    next_rank: int | None
    """Its rank over the catalogue; None where the column can't list it."""
    place: str = ""
    """Its name inside a sentence: ``at step 12``, ``in ease``."""
    heading: str = ""
    """What it is called in files, in any language."""


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One item over all columns."""

    item_id: str
    """Which item."""
    item: str
    """Its title, or its id."""
    topic: int
    """Index of its topic, which gives its hue."""
    ranks: tuple[int | None, ...]
    """Its rank in each column's list; None outside."""
    full_ranks: tuple[int | None, ...]
    """Its rank over the whole catalogue; None where it can't be listed."""
    is_next: tuple[bool, ...]
    """In which columns it is the actual next item."""


@dataclass(frozen=True, slots=True, eq=False)
class CompareView:
    """Everything but the causes, which take longer."""

    columns: tuple[ColumnView, ...]
    """Left to right."""
    lines: tuple[FlowLine, ...]
    """Every item of any list, by its first rank."""
    overlaps: tuple[Overlap, ...]
    """Every pair of columns."""
    overlap_sentence: str
    """The pair of two columns in words; of more, the most and the least alike."""
    overlap_sentences: tuple[str, ...]
    """Each pair in words."""
    moves: tuple[Move, ...]
    """Moves between neighbours, without causes."""
    topics: tuple[str, ...]
    """Topic names; their index gives the hue."""
    flow_sentence: str
    """Reads the rank flow."""
    neighbours_sentence: str
    """How much of each list stays in the next one; empty for two lists."""
    next_sentence: str
    """Where the actual next item ranked; empty where nothing is known."""
    profile_sentence: str
    """Reads the profiles."""


@dataclass(frozen=True, slots=True)
class ChangeBar:
    """What an event, a group of them, the clock or a component contributed to an item's change."""

    step: int | None
    """Step of the event, a group's last; None for the clock and for a component."""
    label: str
    """Names it."""
    value: float
    """In nats."""
    stderr: float
    """Standard error in nats; 0 where exact."""


def build_compare(comparison: Comparison) -> CompareView:
    """The view of a comparison, without causes."""
    engine = comparison.engine
    names = column_names(comparison.columns)
    undated = column_names(comparison.columns, dated=False)
    places = column_places(comparison.columns)
    with speaking(ENGLISH):
        headings = column_names(comparison.columns)
    columns = tuple(
        _column(comparison, at, name, f"{at + 1} · {undated[at]}", places[at], headings[at])
        for at, name in enumerate(names)
    )
    lines = _lines(comparison)
    last = [line for line in lines if line.ranks[-1] is not None]
    entered = [line for line in last if line.ranks[0] is None]
    entered.sort(key=lambda line: line.ranks[-1] or 0)
    sentences = tuple(
        words.overlap_sentence(names[pair.a], names[pair.b], pair.jaccard, pair.rbo)
        for pair in comparison.overlaps
    )
    alike = [
        (tr("{one} and {other}", one=undated[pair.a], other=undated[pair.b]), pair.rbo)
        for pair in comparison.overlaps
        if pair.rbo is not None
    ]
    return CompareView(
        columns=columns,
        lines=lines,
        overlaps=comparison.overlaps,
        overlap_sentence=words.extremes_sentence(alike) if len(alike) > 1 else sentences[0],
        overlap_sentences=sentences,
        moves=comparison.moves(causes=False),
        topics=tuple(engine.topics.names),
        flow_sentence=words.flow_sentence(
            names[0],
            names[-1],
            len(last) - len(entered),
            [line.item for line in entered],
            len(last),
            _one_source(comparison.columns),
        ),
        neighbours_sentence=words.neighbours_sentence(
            undated,
            [
                sum(None not in pair for pair in zip(*ranks, strict=True))
                for ranks in pairwise(zip(*(line.ranks for line in lines), strict=True))
            ],
            comparison.k,
        ),
        next_sentence=words.next_sentence(
            [
                (column.next_item, place, column.next_rank)
                for column, place in zip(
                    columns, column_places(comparison.columns, dated=False), strict=True
                )
                if column.next_item is not None
            ]
        ),
        profile_sentence=words.profile_sentence(
            places,
            [_leading(engine, column.profile) for column in columns],
            len({column.profile.tobytes() for column in columns}) == 1,
        ),
    )


def _one_source(columns: Sequence[Column]) -> str:
    """The recommender of all columns; empty where they differ, as their names then say whose."""
    if len({column.source for column in columns}) > 1:
        return ""
    name = NAMES.get(columns[0].source)
    return columns[0].source_name if name is None else tr(name)


def column_names(columns: Sequence[Column], *, dated: bool = True) -> list[str]:
    """What tells each column from the others: user, step, recommender, scenario where they vary."""
    return [name for name, _ in _named(columns, dated)]


def column_places(columns: Sequence[Column], *, dated: bool = True) -> list[str]:
    """The same inside a sentence: ``before the first event``, ``at step 12``, ``in ease``."""
    return [place for _, place in _named(columns, dated)]


def _named(columns: Sequence[Column], dated: bool) -> list[tuple[str, str]]:
    """What each column is called, and how inside a sentence."""
    users = len({column.spec.user for column in columns}) > 1
    sources = len({column.source for column in columns}) > 1
    edited = any(column.scenario is not None for column in columns)
    moments = len({column.step for column in columns}) > 1
    has_step = moments or not (users or sources or edited)
    names = []
    for column in columns:
        pieces = [column.spec.user] if users else []
        if has_step:
            step = words.step_phrase(column.step)
            if dated and column.moment and column.step:
                step = tr("{step} ({day})", step=step, day=day(column.moment))
            pieces.append(step)
        if sources:
            pieces.append(column.source_name)
        if edited:
            named = column.scenario_name
            pieces.append(f"“{short(named, 32)}”" if named else tr("original"))
        name = " · ".join(pieces)
        if users or not has_step:
            place = trc("place", "in {name}", name=name)
        else:
            place = trc("place", "at {name}", name=name) if column.step else name
        names.append((name, place))
    return names


def _column(
    comparison: Comparison, at: int, name: str, label: str, place: str, heading: str
) -> ColumnView:
    column, engine = comparison.columns[at], comparison.engine
    corpus, following = engine.corpus, column.following
    return ColumnView(
        name=name,
        short=label,
        user_id=column.spec.user,
        step=column.step,
        recommender=column.source,
        explains=column.is_plain and column.step > 0,
        profile=engine.profile(column.history),
        next_item=None if following is None else corpus.title(following),
        next_rank=None if following is None else comparison.rank(at, corpus.item_index[following]),
        place=place,
        heading=f"{at + 1}. {heading}",
    )


def _lines(comparison: Comparison) -> tuple[FlowLine, ...]:
    corpus, topics = comparison.engine.corpus, comparison.engine.topics
    ranks = [{item.item_id: item.rank for item in shown.items} for shown in comparison.lists]
    every = dict.fromkeys(item for own in ranks for item in own if item in corpus.item_index)
    return tuple(
        FlowLine(
            item_id=item,
            item=corpus.title(item),
            topic=int(topics.item_topic[corpus.item_index[item]]),
            ranks=tuple(own.get(item) for own in ranks),
            full_ranks=tuple(
                comparison.rank(at, corpus.item_index[item]) for at in range(len(ranks))
            ),
            is_next=tuple(column.following == item for column in comparison.columns),
        )
        for item in every
    )


def _leading(engine: Engine, profile: FloatArray) -> tuple[str, float]:
    first = int(profile.argmax())
    return engine.topics.names[first], float(profile[first])


def cause_words(comparison: Comparison, move: Move) -> str:
    """The main cause of a move in a few words; empty where none is defined."""
    cause = move.cause
    if cause is None:
        return ""
    if cause.edit is not None:
        edited = next(c.edited for c in _columns_of(comparison, move) if c.edited is not None)
        corpus = comparison.engine.corpus
        said = edit_words(corpus, edited.base, edited.edits, cause.edit)
        return tr("edit {n}: {words}", n=cause.edit, words=said)
    if cause.component is not None:
        who = component_name(cause.component)
    else:
        step = cause.step
        who = tr("the clock") if step is None else player_name(comparison, move.a, step)
    if cause.kind == "eligibility":
        return _eligibility_words(comparison, move, cause)
    if cause.kind == "others":
        if move.rises:
            return tr("others fell further, mainly: {cause}", cause=who)
        return tr("overtaken by others, mainly: {cause}", cause=who)
    return who


def _eligibility_words(comparison: Comparison, move: Move, cause: Cause) -> str:
    if cause.step is None:
        return tr("the excluded items changed")
    event = event_name(comparison, move.a, cause.step)
    longer = max(_columns_of(comparison, move), key=lambda column: column.step)
    if longer.history.events[cause.step - 1].item_id == move.item_id:
        return tr("excluded since {event}", event=event)
    return tr("items above became ineligible at {event}", event=event)


def _columns_of(comparison: Comparison, move: Move) -> tuple[Column, ...]:
    return comparison.columns[move.a : move.b + 1]


def component_name(component: str) -> str:
    """What a part that differs between two models is called."""
    return tr(words.COMPONENTS.get(component) or NAMES.get(component, component))


def player_name(comparison: Comparison, a: int, step: int) -> str:
    """The event of a step between two columns, or the group of events that it stands for."""
    changes = comparison.changes(a)
    players = changes.players if changes is not None else ()
    steps = next((steps for steps in players if step in steps), (step,))
    if len(steps) == 1:
        return event_name(comparison, a, step)
    return tr("steps {first} to {last}", first=steps[0], last=steps[-1])


def event_name(comparison: Comparison, a: int, step: int) -> str:
    """``step 12, review (5) of Title``: an event between two columns."""
    longer = max(comparison.columns[a : a + 2], key=lambda column: column.step)
    event = longer.history.events[step - 1]
    title = comparison.engine.corpus.short_event_title(event, TITLE)
    facts = {"step": step, "kind": tr(KIND_WORDS[event.kind]), "item": title}
    if event.rating is None:
        return tr("step {step}, {kind} of {item}", **facts)
    rated = rating(event.rating)
    return tr("step {step}, {kind} ({rating}) of {item}", rating=rated, **facts)


def trust_sentence(comparison: Comparison) -> str:
    """How the causes between all neighbours were found; or why there are none."""
    pairs = [comparison.changes(a) for a in range(len(comparison.columns) - 1)]
    changes = [pair for pair in pairs if pair is not None]
    if changes:
        residual = max(float(np.abs(pair.residual).max(initial=0.0)) for pair in changes)
        exact = all(pair.exact for pair in changes)
        said = [words.trust(exact, comparison.error, residual, _players_words(changes))]
        if not all(is_separated(pair) for pair in changes):
            said.append(tr(words.ONE_INTEREST))
        return joined(*said)
    if any(move.cause is not None for move in comparison.moves()):
        error = comparison.error
        return words.trust(error == 0, error, 0.0, tr("the scenario's edits"))
    return tr(words.NO_CAUSE)


def _players_words(changes: Sequence[Changes]) -> str:
    models = sum(bool(pair.components) for pair in changes)
    if models == len(changes):
        return tr("the components that differ")
    if models:
        return tr("the events in between and the clock, or the components that differ,")
    return tr("the events in between and the clock")


def models_sentence(comparison: Comparison) -> str:
    """Which components moved scores most between two models; empty without such neighbours."""
    sizes: dict[str, list[float]] = {}
    for a in range(len(comparison.columns) - 1):
        changes = comparison.changes(a)
        if changes is not None and changes.components:
            means = np.abs(changes.values).mean(1) if len(changes.items) else changes.values.sum(1)
            for name, mean in zip(changes.components, means.tolist(), strict=True):
                sizes.setdefault(name, []).append(mean)
    shares = [(component_name(name), sum(own) / len(own)) for name, own in sizes.items()]
    return words.models_sentence(sorted(shares, key=lambda pair: -pair[1])) if shares else ""


def change_bars(comparison: Comparison, a: int, item_id: str) -> tuple[ChangeBar, ...]:
    """What every player between column ``a`` and the next contributed to an item, largest first."""
    changes = comparison.changes(a)
    item = comparison.engine.corpus.item_index[item_id]
    if changes is None or item not in changes.items:
        return ()
    change = changes.of(item)
    players: list[tuple[int | None, str]] = [
        (None, component_name(component)) for component in changes.components
    ] or [
        *((own[-1], player_name(comparison, a, own[-1])) for own in changes.players),
        (None, tr("the clock")),
    ]
    bars = [
        ChangeBar(step, label, float(value), float(stderr))
        for (step, label), value, stderr in zip(players, change.values, change.stderr, strict=True)
    ]
    return tuple(sorted(bars, key=lambda bar: -abs(bar.value)))


def move_line(comparison: Comparison, move: Move) -> str:
    """A move as one line of a terminal."""
    title = comparison.engine.corpus.short_title(move.item_id, 60)
    line = f"{move.words:>7}  {title}"
    if move.score_change is not None:
        line = tr("{item} ({nats} nats)", item=line, nats=signed(move.score_change))
    cause = cause_words(comparison, move)
    if cause and move.cause is not None:
        value = move.cause.contribution
        if value is not None:
            cause = tr("{cause} ({share})", cause=cause, share=nats(value))
        line = tr("{item}; main cause: {cause}", item=line, cause=cause)
    return line


def tell(comparison: Comparison) -> list[str]:
    """A comparison as lines for a terminal."""
    view = build_compare(comparison)
    lines = [view.flow_sentence, *view.overlap_sentences]
    lines += [
        f"{move.a + 1}→{move.b + 1}  {move_line(comparison, move)}" for move in comparison.moves()
    ]
    lines += [view.next_sentence, models_sentence(comparison), trust_sentence(comparison)]
    return [line for line in lines if line]


def moves_table(comparison: Comparison, moves: Sequence[Move]) -> pd.DataFrame:
    """One row per item that entered, left or moved between neighbours, with its main cause.

    ``change`` is that of the item's score, ``contribution`` the main cause's part of it, in nats.
    """
    names, frame = column_names(comparison.columns), table(moves, MOVES)
    titles = [comparison.engine.corpus.title(move.item_id) for move in moves]
    frame.insert(0, "from", [names[move.a] for move in moves])
    frame.insert(1, "to", [names[move.b] for move in moves])
    frame.insert(3, "item", titles)
    frame.insert(11, "cause", [cause_words(comparison, move) for move in moves])
    return frame.astype(TYPES)


def lists_table(view: CompareView) -> pd.DataFrame:
    """One row per item, one column per list with its rank."""
    lines, topics = view.lines, view.topics
    columns = enumerate(view.columns)
    frame = table(lines, "item_id item").assign(  # no sentence
        topic=[topics[line.topic] if 0 <= line.topic < len(topics) else "" for line in lines],
        **{column.heading: [line.ranks[at] for line in lines] for at, column in columns},
        actual_next=[any(line.is_next) for line in lines],
    )
    return frame.convert_dtypes()


def with_names(view: CompareView, frame: pd.DataFrame) -> pd.DataFrame:
    """A table with a column per list, each named in the reader's language."""
    columns = enumerate(view.columns, start=1)
    return frame.rename(columns={own.heading: f"{at}. {own.name}" for at, own in columns})


def overlap_table(view: CompareView) -> pd.DataFrame:
    """One row per pair of columns."""
    names = [column.name for column in view.columns]
    rows = [
        (names[pair.a], names[pair.b], pair.jaccard, pair.rbo, pair.kendall, sentence)
        for pair, sentence in zip(view.overlaps, view.overlap_sentences, strict=True)
    ]
    return pd.DataFrame(rows, columns=["one", "other", "jaccard", "rbo", "kendall", "reading"])


def profiles_table(view: CompareView) -> pd.DataFrame:
    """One row per topic, one column per list with its share."""
    shares = {column.heading: column.profile for column in view.columns}
    return pd.DataFrame({"topic": list(view.topics), **shares})
