"""One comparison as the page shows it: the lists at once, the causes when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.compare.columns import ColumnSpec
from core.compare.comparison import Comparison
from core.compare.moves import Move
from core.corpus.store import Library
from core.threads import once_each
from core.views.compare.build import (
    ChangeBar,
    CompareView,
    build_compare,
    change_bars,
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

    @property
    def moves(self) -> tuple[Move, ...]:
        """Moves between neighbours with their causes."""
        return self.comparison.moves()

    @once_each
    def trust(self) -> str:
        """How the causes were found, or why there are none."""
        return trust_sentence(self.comparison)

    def bars(self, a: int, item_id: str) -> tuple[ChangeBar, ...]:
        """What each event between column ``a`` and the next gave an item."""
        return change_bars(self.comparison, a, item_id)
