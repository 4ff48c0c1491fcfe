"""How the Monitor page's view is made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.cohorts.listed import Listed
from core.domain import Columns
from core.language import tr
from core.monitor.carriers import Carrier
from core.monitor.measures import Group
from core.monitor.monitoring import Alarm, Judged, Monitored
from core.monitor.periods import FEWEST_BEFORE
from core.views.monitor import sentences as say
from core.views.monitor.rows import (
    AgeRow,
    AlarmView,
    CarrierRow,
    ExampleRow,
    MeasureRow,
    MonitorView,
    Panel,
)
from core.views.wording import count, joined

DETAILED = 12
"""Alarms whose carriers are looked up."""


def build_monitor(found: Monitored) -> MonitorView:
    """What the page shows of a monitored corpus."""
    calendar = found.watched.calendar
    order = list(Group)
    judged = sorted(found.judged, key=lambda each: order.index(each.measure.group))
    rows = [row for each in judged if (row := _row(found, each)) is not None]
    return MonitorView(
        sentence=say.headline(found),
        about=say.about(found),
        notes=found.notes,
        measures=tuple(sorted(rows, key=lambda row: (row.q, row.p))),
        panels=tuple(_panel(found, each) for each in judged),
        alarms=tuple(_alarm(found, alarm) for alarm in found.alarms[:DETAILED]),
        ages=tuple(AgeRow(say.age_words(a), a.ndcg, a.targets) for a in found.by_age),
        ages_sentence=say.ages_sentence(found.by_age),
        starts=tuple(
            f"{calendar.first_day(period):%Y-%m-%d}"
            for period in reversed(range(FEWEST_BEFORE, calendar.finished))
        ),
    )


def tell(found: Monitored) -> list[str]:
    """What the monitor found, as lines for a terminal."""
    lines = [say.headline(found)]
    for alarm in found.alarms:
        carried = found.carried(alarm)
        lines.append(joined(say.alarm_sentence(found, alarm), say.carried_sentence(carried)))
    if found.by_age:
        lines.append(say.ages_sentence(found.by_age))
    return [*lines, say.about(found), *found.notes]


def _row(found: Monitored, judged: Judged) -> MeasureRow | None:
    if not judged.tests:
        return None
    test, q = min(
        zip(judged.tests, judged.q, strict=True), key=lambda pair: (pair[0].p, -pair[0].period)
    )
    return MeasureRow(
        id=judged.measure.id,
        name=judged.measure.name,
        group=tr(say.SPELLED[judged.measure.group]),
        period=say.name_of(found.watched.calendar, test.period),
        value=test.value,
        expected=test.expected,
        low=test.low,
        high=test.high,
        events=int(judged.series.events[test.period]),
        p=test.p,
        q=q,
        alarm=bool(judged.alarms),
    )


def _panel(found: Monitored, judged: Judged) -> Panel:
    calendar, series, scale = found.watched.calendar, judged.series, judged.measure.scale
    shown = range(found.reference.start, len(calendar))

    def known(values: np.ndarray) -> tuple[float | None, ...]:
        own = values[shown.start : shown.stop].tolist()
        return tuple(None if value != value else value for value in own)

    texts = []
    for period in shown:
        name, value = say.name_of(calendar, period), say.amount(series.value[period], scale)
        if not np.isnan(series.low[period]):
            value = tr(
                "{value} (band {low} to {high})",
                value=value,
                low=say.amount(float(series.low[period]), scale),
                high=say.amount(float(series.high[period]), scale),
            )
        events = count(int(series.events[period]), "event")
        texts.append(tr("{period}: {value}, {events}", period=name, value=value, events=events))
    alarmed = {test.period for test, _ in judged.alarms}
    return Panel(
        id=judged.measure.id,
        name=judged.measure.name,
        group=judged.measure.group,
        scale=scale,
        days=tuple(calendar.first_day(period) for period in shown),
        values=known(series.value),
        low=known(series.low),
        high=known(series.high),
        texts=tuple(texts),
        current=tuple(at for at, period in enumerate(shown) if period in found.current),
        unfinished=tuple(at for at, period in enumerate(shown) if period >= calendar.finished),
        alarmed=tuple(at for at, period in enumerate(shown) if period in alarmed),
    )


def _alarm(found: Monitored, alarm: Alarm) -> AlarmView:
    corpus, carried, measure = found.watched.corpus, found.carried(alarm), alarm.judged.measure

    def rows(
        carriers: tuple[Carrier, ...], named: Callable[[str], str] = str
    ) -> tuple[CarrierRow, ...]:
        return tuple(
            CarrierRow(each.id, named(each.id), each.share, each.now, each.before)
            for each in carriers
        )

    examples = []
    for row in carried.rows:
        event = corpus.events.iloc[row]
        user = int(found.watched.user[row])
        rating = float(event[Columns.Rating])
        item = str(event[Columns.Item])
        examples.append(
            ExampleRow(
                user_id=corpus.user_ids[user],
                step=row - int(corpus.user_starts[user]) + 1,
                date=event[Columns.Time].to_pydatetime(),
                item=corpus.title(item),
                item_id=item,
                kind=tr(str(event[Columns.Kind])),
                rating=None if rating != rating else rating,
            )
        )
    names = found.topics[0] if found.topics is not None else ()
    return AlarmView(
        id=measure.id,
        name=measure.name,
        group=measure.group,
        sentence=say.alarm_sentence(found, alarm),
        carried=say.carried_sentence(carried),
        users=rows(carried.users),
        behind=Listed(say.behind_name(found, alarm), carried.behind).to_code(corpus),
        behind_label=say.behind_label(carried),
        items=rows(carried.items, corpus.title),
        topics=rows(carried.topics),
        kinds=rows(carried.kinds, tr),
        examples=tuple(examples),
        about_examples=say.about_examples(carried, alarm),
        topic=None if measure.topic is None else names[measure.topic],
    )
