"""What the monitor found as JSON (docs/contracts.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.domain import Columns
from core.monitor.monitoring import LEVEL, Alarm, Monitored


def as_facts(found: Monitored) -> dict[str, Any]:
    """The JSON object of the verb ``monitor``."""
    corpus, calendar = found.watched.corpus, found.watched.calendar

    def span(periods: range) -> dict[str, Any]:
        first, last = calendar.first_day(periods.start), calendar.last_day(periods.stop - 1)
        return {"first": _day(first), "last": _day(last), "periods": len(periods)}

    users = found.watched.users
    cohort = None if users is None else {"name": found.cohort, "users": int(users.sum())}
    return {
        "corpus": corpus.name,
        "corpus_id": corpus.corpus_id,
        "model_id": found.model_id,
        "cohort": cohort,
        "period": calendar.unit.value,
        "current": span(found.current),
        "reference": span(found.reference),
        "tests": found.tests,
        "false_discovery_rate": LEVEL,
        "notes": list(found.notes),
        "measures": [
            {
                "id": judged.measure.id,
                "name": judged.measure.name,
                "group": judged.measure.group.value,
                "period": _day(calendar.first_day(test.period)),
                "value": test.value,
                "expected": test.expected,
                "band": [test.low, test.high],
                "events": int(judged.series.events[test.period]),
                "p": test.p,
                "q": q,
                "alarm": (test, q) in judged.alarms,
            }
            for judged in found.judged
            for test, q in zip(judged.tests, judged.q, strict=True)
        ],
        "alarms": [_alarm(found, alarm) for alarm in found.alarms],
        "by_age": [
            {
                "from": age.low,
                "to": age.high,
                "ndcg": age.ndcg.mean,
                "ci": [age.ndcg.low, age.ndcg.high],
                "targets": age.targets,
            }
            for age in found.by_age
        ],
    }


def _alarm(found: Monitored, alarm: Alarm) -> dict[str, Any]:
    calendar, test, carried = found.watched.calendar, alarm.test, found.carried(alarm)
    return {
        "id": alarm.judged.measure.id,
        "name": alarm.judged.measure.name,
        "period": _day(calendar.first_day(test.period)),
        "periods": [_day(calendar.first_day(period)) for period in alarm.periods],
        "value": test.value,
        "expected": test.expected,
        "band": [test.low, test.high],
        "q": alarm.q,
        "active_users": carried.active,
        "users_with_half": carried.half,
        "users": [asdict(carrier) for carrier in carried.users],
        "users_behind": [found.watched.corpus.user_ids[at] for at in carried.behind],
        "items": [asdict(carrier) for carrier in carried.items],
        "topics": [asdict(carrier) for carrier in carried.topics],
        "kinds": [asdict(carrier) for carrier in carried.kinds],
        "events": [example_of(found, row) for row in carried.rows],
        "events_are_missing": carried.are_missing,
    }


def example_of(found: Monitored, row: int) -> dict[str, Any]:
    """One event: user_id, step, item_id, timestamp, kind and rating."""
    corpus, event = found.watched.corpus, found.watched.corpus.events.iloc[row]
    user = int(found.watched.user[row])
    rating = float(event[Columns.Rating])
    return {
        "user_id": corpus.user_ids[user],
        "step": row - int(corpus.user_starts[user]) + 1,
        "item_id": str(event[Columns.Item]),
        "timestamp": event[Columns.Time].isoformat(),
        "kind": str(event[Columns.Kind]),
        "rating": None if rating != rating else rating,
    }


def _day(when: Any) -> str:
    return f"{when:%Y-%m-%d}"
