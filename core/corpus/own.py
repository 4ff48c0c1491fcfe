"""Histories of people who are not in the corpus: each a file of the library, named by its content.

The name, such as ``own~3f2a91c04b7d``, is the user id: addresses, columns and scenarios carry it as
they carry any user's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core import access
from core.domain import DomainError, Event, EventKind, History, order_events
from core.files import reason_of, replace_text
from core.language import mark, tr

FOLDER, PREFIX, VERSION = "own", "own~", 1
LARGEST = 10_000_000
"""Bytes of a file that is read."""
MOST_EVENTS = 10_000
KEPT = 1_000
"""Histories that no scenario was saved of; the oldest go first."""
NO_ITEM = mark("not in the corpus")
"""What an event's item is called where only its text was kept."""
_ID = re.compile(rf"{PREFIX}[0-9a-f]{{12}}")


def is_own(user_id: str) -> bool:
    """Whether a user id is that of an own history."""
    return _ID.fullmatch(user_id) is not None


def own_history(corpus: str, events: Iterable[Event]) -> History:
    """A history of a person who is not in the corpus of that name, under the id of its content.

    An event whose ``item_id`` is empty has an item that the corpus lacks. DomainError for more than
    ``MOST_EVENTS`` events.
    """
    in_order = order_events("", sorted(events, key=repr))  # whatever their order was
    if len(in_order) > MOST_EVENTS:
        raise DomainError(
            tr("{n:,} events are more than {most:,}", n=len(in_order), most=MOST_EVENTS),
            remedy=tr("Keep the newest ones, or import the file as a corpus"),
        )
    user_id = _id_of(_to_text(corpus, in_order))
    return History(user_id, order_events(user_id, in_order))


def write_own(root: Path, corpus: str, history: History, lasting: Container[str]) -> None:
    """Keep an own history in the library at ``root``; OSError where it can't be written.

    Old ones go, save those that ``lasting`` has. ``Refused`` for viewers without a name.
    """
    access.need_owner(mark("keeping a history"), access.current().name)
    folder = root / FOLDER
    path = folder / f"{history.user_id}.json"
    if path.exists():
        path.touch()
        return
    replace_text(path, _to_text(corpus, order_events("", history.events)))
    files = sorted(folder.glob(f"{PREFIX}*.json"), key=lambda file: file.stat().st_mtime_ns)
    for old in [file for file in files if file.stem not in lasting][:-KEPT]:
        old.unlink(missing_ok=True)


def read_own(root: Path | None, corpus: str, user_id: str, *, timed: bool) -> History:
    """The own history of that id; DomainError where it is gone, damaged, or of another corpus."""
    remedy = tr("Upload the history again")
    where = tr("user {user}", user=user_id)
    if root is None:
        raise DomainError(tr("own histories need a library"), where=where, remedy=remedy)
    path = root / FOLDER / f"{user_id}.json"
    try:
        made_for, events = read_own_file(path, timed=timed)
        if made_for != corpus:
            problem = tr("this history was made for the corpus {name!r}", name=made_for)
            there = tr("Open it there, or upload the history again")
            raise DomainError(problem, where=where, remedy=there)
    except FileNotFoundError:
        raise DomainError(
            tr("this own history is not in the library"), where=where, remedy=remedy
        ) from None
    except OSError as error:
        problem = tr("this own history can't be read: {reason}", reason=reason_of(error))
        raise DomainError(problem, where=where, remedy=remedy) from None
    except ValueError as error:
        problem = tr("this own history is damaged: {reason}", reason=error)
        raise DomainError(problem, where=str(path), remedy=remedy) from None
    return History(user_id, order_events(user_id, events))


def read_own_file(path: Path, *, timed: bool = True) -> tuple[str, list[Event]]:
    """Name of the corpus and events in a file; OSError, or ValueError where it was changed."""
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    text = data.decode()
    if len(data) > LARGEST or _id_of(text) != path.stem:
        raise ValueError(tr("its content is another one"))
    try:
        facts = json.loads(text)
        return str(facts["corpus"]), [_event(row, timed) for row in facts["events"]]
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(reason_of(error)) from None


def _id_of(text: str) -> str:
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:12]


def _to_text(corpus: str, events: Sequence[Event]) -> str:
    rows = [
        [e.item_id, e.timestamp.isoformat(), e.kind.value, e.rating, e.title, e.text]
        for e in events
    ]
    facts = {"version": VERSION, "corpus": corpus, "events": rows}
    return json.dumps(facts, ensure_ascii=True, separators=(",", ":"))


def _event(row: Sequence[str | float | None], timed: bool) -> Event:
    item, when, kind, rating, title, text = row
    at = datetime.fromisoformat(str(when)).astimezone(UTC)
    number = None if rating is None else float(rating)
    head, body = (None if part is None else str(part) for part in (title, text))
    return Event(str(item), at, EventKind(str(kind)), number, head, body, timed)
