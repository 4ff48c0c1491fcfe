"""What is said of a group of measures: in their bands are those alone that have a band."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.monitor.measures import Group, Scale
from core.views.monitor.rows import Panel
from core.views.monitor.sentences import bands_sentence


def panel(name: str, *, values: bool = True, band: bool = True, alarmed: bool = False) -> Panel:
    """Three weeks, of which the last is tested."""
    low, high = ((0.1,) * 3, (0.3,) * 3) if band else ((None,) * 3, (None,) * 3)
    return Panel(
        id=name,
        name=name,
        group=Group.LISTS,
        scale=Scale.SHARE,
        days=tuple(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=at) for at in range(3)),
        values=(0.2,) * 3 if values else (None,) * 3,
        low=low,
        high=high,
        texts=("",) * 3,
        current=(2,),
        unfinished=(),
        alarmed=(2,) if alarmed else (),
    )


def test_a_measure_without_a_band_is_not_in_it() -> None:
    said = bands_sentence([panel("Coverage"), panel("NDCG", band=False)])
    inside, _, rest = said.partition(".")
    assert "1 measure" in inside and "NDCG" not in inside and "NDCG" in rest
    assert "0 " not in bands_sentence([panel("NDCG", band=False)])


def test_a_measure_without_values_is_named_and_not_counted() -> None:
    nothing = panel("Coverage", values=False, band=False)
    said = bands_sentence([panel("Events"), panel("Users", alarmed=True), nothing])
    left, _, rest = said.partition(".")
    assert "1 of 2" in left and "Users" in left and "Coverage" in rest
    assert not nothing.is_known and not nothing.is_tested


def test_a_measure_without_a_value_now_is_told_from_one_with_too_few_earlier_values() -> None:
    now = replace(panel("Mean rating", band=False), values=(0.2, 0.2, None))
    early = panel("Coverage", band=False)
    said = bands_sentence([early, now])
    assert said.index("Coverage") < said.index(".") < said.index("Mean rating")
