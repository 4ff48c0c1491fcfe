"""What the Monitor page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.measure.metrics import Interval
from core.monitor.measures import Group, Scale


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure in the current period that differs most from what was expected."""

    id: str
    """Which measure."""
    name: str
    """What it is called."""
    group: str
    """What it is about."""
    period: str
    """The current period: the surest one where there are several."""
    value: float
    """Its value there."""
    expected: float
    """What earlier periods say."""
    low: float
    """Lower end of the band."""
    high: float
    """Upper end of the band."""
    events: int
    """How many events or held-out cases the value is from."""
    p: float
    """Chance of a usual period so far from what is expected."""
    q: float
    """Share of false alarms among all that are as sure."""
    alarm: bool
    """Whether it left its band beyond chance."""

    COLUMNS = "name group period value expected low high events p q alarm"


@dataclass(frozen=True, slots=True)
class CarrierRow:
    """A user, item, topic or kind that carries a part of a change."""

    id: str
    """Its id."""
    name: str
    """What it is called."""
    share: float
    """Its part of the whole change; parts the other way make the others add up to more than 1."""
    now: int
    """Events in the period."""
    before: int
    """Events in the periods that say what is expected."""


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """An event that shows a change."""

    user_id: str
    """Whose."""
    step: int
    """Which step of the user's history, from 1."""
    date: datetime
    """When."""
    item: str
    """The item's title."""
    item_id: str
    """The item."""
    kind: str
    """What the user did."""
    rating: float | None
    """The rating, if there is one."""


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm."""

    id: str
    """Which measure."""
    name: str
    """What it is called."""
    group: Group
    """What it is about."""
    sentence: str
    """What changed, against what, how surely."""
    carried: str
    """Who and what carries it."""
    users: tuple[CarrierRow, ...]
    """Users, the largest part first."""
    behind: str
    """The users whose parts add up to the change, as ``core.cohorts.listed`` puts them into an
    address."""
    behind_label: str
    """``The 42 users behind it as a cohort``; the first 500 where there are more."""
    items: tuple[CarrierRow, ...]
    """Items, the largest part first."""
    topics: tuple[CarrierRow, ...]
    """Topics, the largest part first; empty for a measure of topics."""
    kinds: tuple[CarrierRow, ...]
    """Kinds of events; empty for a measure of kinds."""
    examples: tuple[ExampleRow, ...]
    """Events that show it."""
    about_examples: str
    """What these events are."""
    topic: str | None
    """The topic that it is about."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One small multiple: a measure over its periods, None where nothing is known."""

    id: str
    """Which measure."""
    name: str
    """What it is called."""
    group: Group
    """What it is about."""
    scale: Scale
    """How values are written."""
    days: tuple[datetime, ...]
    """The first day of each period."""
    values: tuple[float | None, ...]
    """The measure."""
    low: tuple[float | None, ...]
    """Lower end of the band."""
    high: tuple[float | None, ...]
    """Upper end of the band."""
    texts: tuple[str, ...]
    """What is said of each period."""
    current: tuple[int, ...]
    """Which periods were tested."""
    unfinished: tuple[int, ...]
    """Which one isn't over."""
    alarmed: tuple[int, ...]
    """Which left the band beyond chance."""

    @property
    def is_known(self) -> bool:
        """Whether any period has a value."""
        return any(value is not None for value in self.values)

    @property
    def has_now(self) -> bool:
        """Whether a tested period has a value."""
        return any(self.values[at] is not None for at in self.current)

    @property
    def is_tested(self) -> bool:
        """Whether a tested period has a band to lie in."""
        return any(self.low[at] is not None for at in self.current)


@dataclass(frozen=True, slots=True)
class AgeRow:
    """Targets of models of one age."""

    age: str
    """Days since the model's last training event."""
    ndcg: Interval
    """NDCG of the default recommender."""
    targets: int
    """Targets of that age."""

    COLUMNS = "age targets ndcg=ndcg.mean low=ndcg.low high=ndcg.high"


@dataclass(frozen=True, slots=True)
class MonitorView:
    """What the page shows."""

    sentence: str
    """What changed, or that nothing did."""
    about: str
    """Which periods are compared, and what the band is."""
    notes: tuple[str, ...]
    """What was left out, and why."""
    measures: tuple[MeasureRow, ...]
    """All measures, the surest change first."""
    panels: tuple[Panel, ...]
    """All measures over time, in the order of their groups."""
    alarms: tuple[AlarmView, ...]
    """The alarms, the surest first."""
    ages: tuple[AgeRow, ...]
    """Quality by age of the model, the youngest first; empty where it is not known."""
    ages_sentence: str
    """What it says."""
    starts: tuple[str, ...]
    """First days (ISO) of the finished periods that can be the current one, newest first."""
