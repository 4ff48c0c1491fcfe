"""The smallest change of a user's own events after which an item is not in the list.

An edit removes an event or sets its rating to an end of the scale. Clock and exclusions stay those
of the full history, as in the Shapley values: an item that returned because its own event was
removed could only push the explained item further down.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.domain import History
from core.progress import ProgressCallback, StopCallback
from core.recommend.protocol import Recommender
from core.scenario.candidates import step_edits
from core.scenario.search import MOST_EDITS, ChangeSearch, Effort, SmallestChange

SHORT, MOST_TRIED = 10, 25_000
"""In a history of up to 10 events sets of any size are tried, up to 25,000 of each size."""
EXHAUSTIVE, EVENTS_ASKED, FEWEST_TRIED = 3, 130_000, 60
"""In a longer one all sets of up to 3 edits, as far as the histories with n edits have 130,000 / n
events together; above, those of the events that weigh most."""


def find_counterfactual(
    recommender: Recommender,
    history: History,
    item_id: str,
    item_index: Mapping[str, int],
    scale: tuple[float, float] | None,
    weights: Mapping[int, float],
    *,
    k: int = 10,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> SmallestChange:
    """The smallest set of removals and re-ratings after which an item is not in the top k.

    ``weights`` say how much each step contributes to the item, and so which are tried first. An
    item that is excluded itself is ranked as if it were not.
    """
    events, exhaustive = len(history), MOST_EDITS
    per_size = [MOST_TRIED] * MOST_EDITS
    if events > SHORT:
        exhaustive = EXHAUSTIVE
        sizes = range(1, MOST_EDITS + 1)
        per_size = [max(EVENTS_ASKED // (events * size), FEWEST_TRIED) for size in sizes]
    in_all, branches = MOST_EDITS * per_size[0], per_size[0]
    effort = Effort(in_all, per_size, exhaustive, beam=1, branches=branches, combined=0)
    groups = step_edits(history, scale)
    search = ChangeSearch(
        recommender, history, item_id, groups, item_index, "out", k, "kept", progress, stop
    )
    return search.smallest([abs(weights.get(step, 0.0)) for step in range(1, events + 1)], effort)
