"""The notebook of findings: a note about what a page showed, with its address and its chart.

In SQLite with all revisions, like scenarios (``core.revisions``). A chart is kept as the figure's
JSON, compressed, once per content: it can be drawn again without a browser, in a page and in a
report. Where it came from never changes; its name and its notes may.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from core.domain import DomainError
from core.language import tr
from core.revisions import RESTORE, RevisionStore, clean_name, clean_notes

LONGEST_NAME = 300
LARGEST_CHART = 20_000_000
"""Characters of a figure's JSON; a larger one is refused."""

Text = Annotated[str, Field(max_length=20_000)]


class Seen(BaseModel):
    """What was on the screen. Empty texts and None where there was nothing of the kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    page: Annotated[str, Field(pattern=r"^[a-z_]*$", max_length=100)]
    """The page's name in its address, such as ``timeline``; empty for the first page."""
    title: Text
    """What the menu calls it."""
    query: Text
    """The address' whole query string, as it stands after the question mark."""
    corpus: Text
    corpus_id: Text
    model_id: Text = ""
    user_id: Text = ""
    step: int | None = None
    item_id: Text = ""
    item: Text = ""
    """The item's title."""
    recommender: Text = ""
    scenario: Text = ""
    """The scenario's name."""
    sentence: Text = ""
    """What the page said of the chart."""
    chart: Text = ""
    """The chart's address in the notebook; empty for none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One version of a finding; ``revision`` 0 is not saved yet."""

    name: str
    seen: Seen
    notes: str = ""
    finding_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False
    owner: str = ""
    """Who saved it first; empty without sign-in."""


class Notebook(RevisionStore[Finding]):
    """The findings of a library."""

    noun = "finding"
    file_name = "notebook.sqlite"
    application_id = 0x7A57E11F
    columns = ("corpus", "user_id", "name", "notes", "seen")
    more_tables = (
        "CREATE TABLE charts (address TEXT PRIMARY KEY, figure BLOB NOT NULL)",  # no sentence
    )

    def cleaned(self, entry: Finding) -> Finding:
        """With its name and notes as they are kept."""
        name = clean_name(entry.name, self.noun, LONGEST_NAME)
        return replace(entry, name=name, notes=clean_notes(entry.notes))

    def cells(self, entry: Finding) -> tuple[str, ...]:
        """What was seen as JSON."""
        seen = entry.seen
        return seen.corpus, seen.user_id, entry.name, entry.notes, seen.model_dump_json()

    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> Finding:
        """What ``cells`` wrote."""
        _, _, name, notes, seen = cells
        return Finding(name, Seen.model_validate_json(seen), notes, **mark)

    def keep(self, finding: Finding, figure: str = "") -> Finding:
        """Save a new finding with a figure's JSON, both or neither."""
        if not figure:
            return self.save(finding)
        if len(figure) > LARGEST_CHART:
            raise DomainError(
                tr("the chart is too large to keep"), remedy=tr("Keep the finding without it")
            )
        packed = zlib.compress(figure.encode())
        address = _address(packed)
        seen = finding.seen.model_copy(update={"chart": address})
        insert = "INSERT OR IGNORE INTO charts VALUES (?, ?)"  # no sentence
        chart = insert, (address, packed)
        return self.save(replace(finding, seen=seen), [chart])

    def figure(self, finding: Finding) -> str | None:
        """The JSON of its chart; None where it was kept without. DomainError for a damaged one."""
        if not finding.seen.chart:
            return None
        query = "SELECT figure FROM charts NOT INDEXED WHERE address = ?"  # no sentence
        with self._reading() as connection:
            rows = connection.execute(query, (finding.seen.chart,)).fetchall() if connection else []
        try:
            if _address(rows[0][0]) != finding.seen.chart:
                raise ValueError
            unpack = zlib.decompressobj()
            figure = unpack.decompress(rows[0][0], LARGEST_CHART * 4).decode()
            if not unpack.eof:
                raise ValueError
        except (IndexError, TypeError, ValueError, zlib.error):
            raise DomainError(
                tr("the chart of a finding can't be read"),
                where=tr("{path}, finding {id}", path=self.path, id=finding.finding_id),
                remedy=tr(RESTORE),
            ) from None
        return figure

    def count_damaged_more(self, connection: sqlite3.Connection) -> int:
        """Charts that aren't what their address says."""
        rows = connection.execute("SELECT address, figure FROM charts NOT INDEXED")
        return sum(
            not isinstance(figure, bytes) or _address(figure) != address for address, figure in rows
        )


def _address(packed: bytes) -> str:
    """The address of a chart: a hash of its compressed JSON."""
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


def search(findings: Iterable[Finding], query: str) -> list[Finding]:
    """Those that hold every word of a query in their name, notes, or what was seen."""
    words = query.casefold().split()
    return [finding for finding in findings if _holds(finding, words)]


def _holds(finding: Finding, words: Sequence[str]) -> bool:
    seen = finding.seen
    about = (seen.title, seen.corpus, seen.user_id, seen.item_id, seen.item, seen.recommender)
    texts = (finding.name, finding.notes, seen.scenario, seen.sentence, *about)
    text = "\n".join(texts).casefold()
    return all(word in text for word in words)
