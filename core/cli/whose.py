"""Whose history a verb is about: a user of the corpus, or a file of one person's own events."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import complain
from core.domain import DomainError, History
from core.language import tr

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.corpus.own_reading import UnknownItem

AtOption = Annotated[
    str | None, typer.Option("--at", help=tr("Step or ISO time (default: the last event)."))
]


@dataclass(frozen=True)
class Whose:
    """Who a verb is about: --user, or --history with --match."""

    user: Annotated[str | None, typer.Option("--user", help=tr("User id."))] = None
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help=tr("Instead of --user: the events of one person who is not in the corpus."),
        ),
    ] = None
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            metavar="ITEM=ID",
            help=tr("Which item of the corpus an unknown one of the file is; ITEM= for none."),
        ),
    ] = field(default=None)

    def whole(self, corpus: Corpus) -> History:
        """All events; what a file's items are taken for is said on stderr.

        DomainError for an unknown user, a file that can't be read, and for both or neither.
        """
        if (self.user is None) == (self.history is None):
            problem = tr("neither --user nor --history")
            if self.user:
                problem = tr("both --user and --history")
            raise DomainError(problem, remedy=tr("Give --user ID or --history FILE"))
        if self.history is None:
            if self.match:
                raise DomainError(tr("--match is for --history"), remedy=tr("Leave it out"))
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
                remedy = tr("Use --match ITEM=ID, or --match ITEM= for none")
                problem = tr("{said!r} is not ITEM=ID", said=said)
                raise DomainError(problem, where="--match", remedy=remedy)
            matches[item] = match
        return matches


def _say(corpus: Corpus, item: UnknownItem) -> str:
    name = f"{item.item_id} ({item.title})" if item.title else item.item_id
    if item.taken:
        return tr("{name} is taken for {item}", name=name, item=corpus.label(item.taken))
    said = tr("{name} is not in the corpus; its text alone is kept", name=name)
    maybe = tr("; ").join(corpus.label(choice) for choice in item.choices)
    if not maybe:
        return said
    return tr(
        "{said}. It may be: {items}. Say so with --match {item_id}=ID",
        said=said,
        items=maybe,
        item_id=item.item_id,
    )
