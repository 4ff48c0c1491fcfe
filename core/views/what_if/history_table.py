"""A history as a table that can be edited: its rows, and the edits that changed cells mean."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.arrays import FloatArray
from core.corpus.corpus import Corpus
from core.corpus.texts import clean_text
from core.domain import DomainError, EventKind, History, order_hash
from core.language import mark, tr
from core.scenario.capsule import check_number
from core.scenario.draft import Refused
from core.scenario.edits import (
    Edit,
    EditedHistory,
    Handle,
    Op,
    apply_edits,
    name_of,
    read_rating,
    read_time,
)
from core.views.tables import table
from core.views.what_if.edits import WORDS, marks
from core.views.wording import number, sentiment_sign, signed

ITEM, KIND, RATING, TEXT, DATE, DELETE = "item", "kind", "rating", "text", "date", "delete"
"""Columns whose cells can be changed."""
NEW = "new"
"""Stands for the empty last row, where an event is added."""
INVITE = mark("+ new")
STROKE = "\u0336"
"""After each character of what was deleted: a table can't strike words out otherwise."""
SIMILAR = 1e-6
"""Ratings that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: an event of the edited history, one of the base that is gone, or the empty one."""

    handle: Handle
    """The base's step, a1, a2, ..., or ``new``."""
    change: str
    """What edits did to it, with a sign; a message where a change was refused."""
    item_id: str
    """Which item; empty in the empty row."""
    item: str
    """The item's title, or its id."""
    kind: EventKind | None
    """What the user did; None in the empty row."""
    rating: float | None
    """On the corpus's own scale; None without."""
    text: str
    """Title and body of the review; untrusted words."""
    timestamp: datetime | None
    """When, UTC."""
    removed: bool
    """True where an edit deleted it."""
    sentiment: float | None = None
    """Predicted from the text as it is now, -1 to 1; NaN or None without text."""
    sentiment_before: float | None = None
    """Predicted from the text that an edit replaced; None where none did."""

    COLUMNS = (
        "step=handle change item_id item kind rating text timestamp sentiment sentiment_before"
    )

    @property
    def name(self) -> str:
        """``step 12 · Title``."""
        return f"{name_of(self.handle)} · {self.item}"

    @property
    def sentiment_words(self) -> str:
        """``▲ +0.61``; where an edit rewrote the text ``▼ −0.40 → ▲ +0.61``."""
        now = _sentiment(self.sentiment)
        if self.sentiment_before is None:
            return now
        none = tr("no text")
        return f"{_sentiment(self.sentiment_before) or none} → {now or none}"


def build_table(
    corpus: Corpus,
    edited: EditedHistory,
    refused: Sequence[Refused] = (),
    sentiments: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[TableRow, ...]:
    """All rows, the newest event first: deleted ones stay where they were, the empty row leads.

    ``sentiments`` are those of the base's events and of the edited ones, float32[n] each.
    """
    events, user = edited.history.events, edited.base.user_id
    rows = [
        _row(corpus, origin, event, _marks(edited, origin, numbers), removed=False)
        for origin, event, numbers in zip(edited.origins, events, edited.touched, strict=True)
    ]
    keys = [(event.timestamp, order_hash(user, event.item_id, event.kind)) for event in events]
    for step in edited.removed:
        event = edited.base.events[step - 1]
        key = (event.timestamp, order_hash(user, event.item_id, event.kind))
        at = bisect_right(keys, key)
        keys.insert(at, key)
        rows.insert(at, _row(corpus, step, event, tr(WORDS[Op.DELETE].mark), removed=True))
    if sentiments is not None:
        rows = [_with_sentiment(row, edited, *sentiments) for row in rows]
    invite = tr(INVITE)
    rows.append(TableRow(NEW, invite, "", "", None, None, "", next_minute(edited.history), False))
    rows.reverse()
    said = {refusal.handle: f"⚠ {refusal.problem.what}" for refusal in refused}
    return tuple(
        replace(row, change=said[row.handle]) if row.handle in said else row for row in rows
    )


def _with_sentiment(
    row: TableRow, edited: EditedHistory, before: FloatArray, after: FloatArray
) -> TableRow:
    """The row with what the model reads from its text, also from the text it had."""
    old = float(before[row.handle - 1]) if isinstance(row.handle, int) else None
    step = edited.step_of(row.handle)
    if step is None:
        return replace(row, sentiment=old)
    is_base = isinstance(row.handle, int)
    had = edited.base.events[row.handle - 1].words if isinstance(row.handle, int) else ""
    changed = is_base and had != row.text
    return replace(row, sentiment=float(after[step - 1]), sentiment_before=old if changed else None)


def _sentiment(value: float | None) -> str:
    sign = sentiment_sign(value)
    return f"{sign} {signed(value)}" if sign and value is not None else ""


def struck(text: str) -> str:
    """A text struck out."""
    return "".join(char + STROKE for char in text)


def unstruck(text: str) -> str:
    """The text that ``struck`` struck out."""
    return text.replace(STROKE, "")


def _marks(edited: EditedHistory, origin: Handle, numbers: Sequence[int]) -> str:
    before = edited.base.events[origin - 1] if isinstance(origin, int) else None
    return marks([edited.edits[number - 1] for number in numbers], before)


def next_minute(history: History) -> datetime | None:
    """When a new event happens unless told otherwise: the next full minute after the clock.

    Where only the order is known, each place is a day: the next day.
    """
    if history.at is None:
        return None
    if not history.timed:
        return history.at + timedelta(days=1)
    return history.at.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _row(corpus: Corpus, handle: Handle, event: Any, change: str, *, removed: bool) -> TableRow:
    return TableRow(
        handle=handle,
        change=change,
        item_id=event.item_id,
        item=corpus.event_title(event),
        kind=event.kind,
        rating=event.rating,
        text=event.words,
        timestamp=event.date,
        removed=removed,
    )


def table_frame(rows: Sequence[TableRow], *, by_id: bool) -> pd.DataFrame:
    """The rows as a frame; the item column holds ids where they can be chosen, else titles."""
    return pd.DataFrame(
        {
            "step": ["" if row.handle == NEW else str(row.handle) for row in rows],
            "change": [row.change for row in rows],
            ITEM: [_cell(row, row.item_id if by_id else row.item) for row in rows],
            KIND: [row.kind.value if row.kind else None for row in rows],
            RATING: pd.Series([row.rating for row in rows], dtype="float64"),
            TEXT: [_cell(row, row.text) for row in rows],
            "sentiment": [row.sentiment_words for row in rows],
            DATE: pd.to_datetime(pd.Series([row.timestamp for row in rows]), utc=True),
            DELETE: [row.removed for row in rows],
        }
    )


def _cell(row: TableRow, text: str) -> str | None:
    return (struck(text) if row.removed else text) or None


def history_table(rows: Sequence[TableRow]) -> pd.DataFrame:
    """The edited history as a table to take away."""
    return table([row for row in rows if row.handle != NEW], TableRow.COLUMNS)


def item_label(corpus: Corpus, item_id: str) -> str:
    """An item in a list to choose from: its title, and its id, by which both can be searched."""
    return corpus.label(item_id)


def find_item(corpus: Corpus, typed: str) -> str:
    """The item that a person means: its id, its title, or the only title that holds the words.

    DomainError with a few that come close.
    """
    wanted = typed.strip()
    if wanted in corpus.item_index:
        return wanted
    folded = wanted.casefold()
    titles = {item: corpus.title(item).casefold() for item in corpus.item_ids}
    exact = [item for item, title in titles.items() if title == folded]
    close = exact or [item for item, title in titles.items() if folded and folded in title]
    if len(close) == 1:
        return close[0]
    if not close:
        raise DomainError(
            tr("no title contains {words!r}", words=wanted),
            remedy=tr("Search for it below, in Add an event"),
        )
    shown = tr(", ").join(map(corpus.label, close[:3]))
    raise DomainError(
        tr("{n} titles contain {words!r}", n=number(len(close)), words=wanted),
        remedy=tr("Give an id, such as that of {items}", items=shown),
    )


def edits_of_cells(
    corpus: Corpus, rows: Sequence[TableRow], cells: Mapping[int, Mapping[str, Any]]
) -> list[tuple[Handle, list[Edit] | DomainError]]:
    """What changed cells mean, row by row: edits that belong together, or why there are none.

    ``cells`` maps 0-based rows to new values by column; a value that the row has already means
    nothing. Another item or kind, or no rating any more, makes another event: the old one is
    deleted and the new one added. Un-ticking Delete is no edit (``was_brought_back``).
    """
    outcomes: list[tuple[Handle, list[Edit] | DomainError]] = []
    for at, values in cells.items():
        try:
            edits = _edits_of_row(corpus, rows[at], values)
        except DomainError as problem:
            outcomes.append((rows[at].handle, problem))
        else:
            outcomes += [(rows[at].handle, edits)] if edits else []
    return outcomes


def was_brought_back(
    rows: Sequence[TableRow], cells: Mapping[int, Mapping[str, Any]]
) -> list[Handle]:
    """Deleted events whose Delete was un-ticked."""
    return [
        rows[at].handle
        for at, values in cells.items()
        if rows[at].removed and values.get(DELETE) is False
    ]


def _edits_of_row(corpus: Corpus, row: TableRow, cells: Mapping[str, Any]) -> list[Edit]:
    values = _changed(corpus, row, cells)
    if not values:
        return []
    if row.handle == NEW:
        return [_added(row, values)] if values.get(ITEM) else []
    if row.removed:
        raise DomainError(tr("it is deleted"), remedy=tr("Un-tick Delete first"))
    if values.get(DELETE):
        return [Edit(Op.DELETE, step=row.handle)]
    if ITEM in values or KIND in values or (RATING in values and values[RATING] is None):
        if not values.get(ITEM, row.item_id):
            raise DomainError(tr("an event needs an item"), remedy=tr("Tick Delete to take it out"))
        return [Edit(Op.DELETE, step=row.handle), _added(row, values)]
    edits = []
    if RATING in values:
        edits.append(Edit(Op.RATE, step=row.handle, rating=values[RATING]))
    if TEXT in values:
        edits.append(Edit(Op.EDIT, step=row.handle, text=values[TEXT]))
    if DATE in values:
        edits.append(Edit(Op.DATE, step=row.handle, timestamp=values[DATE]))
    return edits


def _changed(corpus: Corpus, row: TableRow, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Cells that differ from the row, as values of their type."""
    fields: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        ITEM: (row.item_id or None, lambda cell: find_item(corpus, str(cell)) if cell else None),
        KIND: (row.kind, lambda cell: EventKind(cell) if cell else None),
        RATING: (row.rating, lambda cell: None if cell is None else read_rating(cell, "")),
        TEXT: (row.text, lambda cell: clean_text(cell or "")),
        DATE: (row.timestamp, _read_date),
        DELETE: (row.removed, bool),
    }
    values = {}
    for name, (held, read) in fields.items():
        if name in cells:
            cell = cells[name]
            if row.removed and isinstance(cell, str):
                cell = unstruck(cell)
            if name == ITEM and cell == row.item != "":
                continue
            value = read(cell)
            is_near = isinstance(value, float) and held is not None and abs(value - held) <= SIMILAR
            if value != held and not is_near:
                values[name] = value
    return {} if row.removed and values.get(DELETE) is False else values


def _read_date(cell: Any) -> datetime:
    if not cell:
        raise DomainError(tr("an event needs a date"), remedy=tr("Choose one from 1970 to 2099"))
    return read_time(cell, "")


def _added(row: TableRow, values: Mapping[str, Any]) -> Edit:
    return Edit(
        Op.ADD,
        item_id=values.get(ITEM, row.item_id),
        timestamp=values.get(DATE, row.timestamp),
        kind=values.get(KIND, row.kind),
        rating=values.get(RATING, row.rating),
        text=values.get(TEXT, row.text) or None,
    )


def try_edits(
    base: History, edits: Sequence[Edit], new: Sequence[Edit], corpus: Corpus
) -> EditedHistory:
    """The history with some edits more; DomainError, without a place, where they can't be made."""
    try:
        check_number(len(edits) + len(new), "")
        return apply_edits(base, [*edits, *new], corpus)
    except DomainError as problem:
        raise DomainError(problem.what, remedy=problem.remedy) from None
