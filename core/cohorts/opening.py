"""From a name or a rule to its users, measuring what that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.arrays import BoolArray
from core.cohorts.people import People, people_of
from core.cohorts.rule import Rule, members
from core.cohorts.states import States, make_states
from core.cohorts.store import Cohort, members_of
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.progress import ProgressCallback, StopCallback
from core.turns.stored import Turns, make_turns

if TYPE_CHECKING:
    from core.engine import Engine


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of all users, and the tables that rules ask."""

    states: States
    turns: Turns | None
    people: People

    def users(self, who: Cohort | Rule) -> BoolArray:
        """A cohort's users, bool[n_users]; DomainError where its rule can't be asked."""
        if isinstance(who, Cohort):
            return members_of(who, self.people)
        return members(who, self.people)

    def user_ids(self, who: Cohort | Rule) -> tuple[str, ...]:
        """Their ids, in the corpus's order."""
        return ids_of(self.people.corpus, self.users(who))


def ids_of(corpus: Corpus, chosen: BoolArray) -> tuple[str, ...]:
    """Ids of chosen users bool[n_users]."""
    return tuple(user for user, is_in in zip(corpus.user_ids, chosen, strict=True) if is_in)


def measure_for(
    library: Library,
    engine: Engine,
    *rules: Rule | None,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Measured:
    """Read the states of all users, or measure them; turning points only where a rule asks."""
    states = make_states(library, engine, progress, stop)
    turns = None
    if any(rule is not None and rule.is_about_turns for rule in rules):
        turns = make_turns(library, engine, progress, stop)
    return Measured(states, turns, people_of(engine, states, turns))
