"""Whose history a verb is about: a user of the corpus, or a file of one person's own events."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import complain
from core.domain import DomainError, History

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.corpus.own_reading import UnknownItem

AtOption = Annotated[
    str | None, typer.Option("--at", help="Step or ISO time (default: the last event).")
]


@dataclass(frozen=True)
class Whose:
    """Who a verb is about: --user, or --history with --match."""

    user: Annotated[str | None, typer.Option("--user", help="User id.")] = None
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help="Instead of --user: the events of one person who is not in the corpus.",
        ),
    ] = None
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            metavar="ITEM=ID",
            help="Which item of the corpus an unknown one of the file is; ITEM= for none.",
        ),
    ] = field(default=None)

    def whole(self, corpus: Corpus) -> History:
        """All events; what a file's items are taken for is said on stderr.

        DomainError for an unknown user, a file that can't be read, and for both or neither.
        """
        if (self.user is None) == (self.history is None):
            problem = "both --user and --history" if self.user else "neither --user nor --history"
            raise DomainError(problem, remedy="Give --user ID or --history FILE")
        if self.history is None:
            if self.match:
                raise DomainError("--match is for --history", remedy="Leave it out")
            assert self.user is not None
            return corpus.history(self.user)
        from core.corpus.own_reading import read_own_file

        reading = read_own_file([self.history], corpus, self._matches())
        complain(reading.summary)
        for line in (*reading.notes, *(_say(corpus, item) for item in reading.unknown)):
            complain(line)
        return reading.history

    def at(self, corpus: Corpus, at: str | None) -> History:
        """The events up to a step or time; all where ``at`` is None."""
        whole = self.whole(corpus)
        return whole.up_to(whole.resolve_step(at))

    def _matches(self) -> dict[str, str]:
        matches = {}
        for said in self.match or []:
            item, equals, match = said.rpartition("=")
            if not equals:
                remedy = "Use --match ITEM=ID, or --match ITEM= for none"
                raise DomainError(f"{said!r} is not ITEM=ID", where="--match", remedy=remedy)
            matches[item] = match
        return matches


def _say(corpus: Corpus, item: UnknownItem) -> str:
    name = f"{item.item_id} ({item.title})" if item.title else item.item_id
    if item.taken:
        return f"{name} is taken for {corpus.label(item.taken)}"
    maybe = "; ".join(corpus.label(choice) for choice in item.choices)
    hint = f". It may be: {maybe}. Say so with --match {item.item_id}=ID" if maybe else ""
    return f"{name} is not in the corpus; its text alone is kept{hint}"
