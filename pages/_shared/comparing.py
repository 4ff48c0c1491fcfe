"""One comparison as the page shows it: the lists at once, the causes when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from core.compare.columns import ColumnSpec
from core.compare.comparison import Comparison
from core.corpus.store import Library
from core.threads import once_each
from core.views.compare.build import (
    ChangeBar,
    CompareView,
    MoveRow,
    build_compare,
    change_bars,
    move_rows,
    trust_sentence,
)

if TYPE_CHECKING:
    from core.engine import Engine


class Comparing:
    """A comparison with what is already computed of it; shared between sessions."""

    def __init__(
        self, engine: Engine, specs: Sequence[ColumnSpec], k: int, library: Library
    ) -> None:
        self.comparison = Comparison(engine, specs, k, library=library)
        self.view: CompareView = build_compare(self.comparison)

    @once_each
    def moves(self) -> tuple[MoveRow, ...]:
        """Moves between neighbours with their causes."""
        return move_rows(self.comparison, self.comparison.moves())

    @cached_property
    def trust(self) -> str:
        """How the causes were found, or why there are none."""
        return trust_sentence(self.comparison)

    def bars(self, a: int, item_id: str) -> tuple[ChangeBar, ...]:
        """What each event between column ``a`` and the next gave an item."""
        return change_bars(self.comparison, a, item_id)
