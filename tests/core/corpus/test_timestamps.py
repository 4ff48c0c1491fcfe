from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.timestamps import EPOCH, find_unit
from core.domain import DomainError

MOMENTS = st.datetimes(datetime(1980, 1, 2), datetime(2099, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=UTC, microsecond=0)
)


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_the_unit_of_numbers_is_found_and_read_exactly(
    moments: list[datetime], per_second: int
) -> None:
    seconds = [int((moment - EPOCH).total_seconds()) for moment in moments]
    values = [second * per_second for second in seconds]
    unit = find_unit(values, where="test")
    names = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
    if unit.name != "dates (YYYYMMDD)":
        assert unit.name == names[per_second]
        assert [unit.read(value) for value in values] == [second * 10**6 for second in seconds]
        assert [unit.read(str(value)) for value in values] == [s * 10**6 for s in seconds]


@given(st.lists(MOMENTS, min_size=1, max_size=10))
def test_iso_times_keep_their_instant_whatever_their_zone(moments: list[datetime]) -> None:
    unit = find_unit([moment.isoformat() for moment in moments], where="test")
    assert unit.name == "ISO dates"
    for moment in moments:
        micros = (moment - EPOCH) // timedelta(microseconds=1)
        assert unit.read(moment.isoformat()) == micros
        assert unit.read(moment.isoformat().replace("+00:00", "Z")) == micros
        assert unit.read(moment.replace(tzinfo=None).isoformat(sep=" ")) == micros
        assert unit.read(moment) == micros


@pytest.mark.parametrize(
    ("values", "name", "first"),
    [
        (["2014-02-28", "2013-03-16"], "ISO dates", "2014-02-28"),
        ([date(2014, 2, 28)], "ISO dates", "2014-02-28"),
        (["2014/02/28", "2013/03/16"], "dates (year/month/day)", "2014-02-28"),
        (["28.02.2014", "16.03.2013"], "dates (day.month.year)", "2014-02-28"),
        (["02/28/2014", "03/04/2013"], "dates (month/day/year)", "2014-02-28"),
        (["28/02/2014", "04/03/2013"], "dates (day/month/year)", "2014-02-28"),
        (["02 28, 2014", "03 16, 2013"], "dates (month day, year)", "2014-02-28"),
        (["Feb 28, 2014", "March 16, 2013"], "dates with names of months", "2014-02-28"),
        (["20140228", "20130316"], "dates (YYYYMMDD)", "2014-02-28"),
        ([20140228, 20130316], "dates (YYYYMMDD)", "2014-02-28"),
        ([1393545600.0, 1363392000.5], "seconds", "2014-02-28"),
    ],
)
def test_a_column_of_dates_names_its_form(values: list[object], name: str, first: str) -> None:
    unit = find_unit(values, where="test")
    assert unit.name == name
    expected = datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert EPOCH + timedelta(microseconds=unit.read(values[0])) == expected


def test_dates_that_can_be_read_two_ways_are_refused_not_guessed() -> None:
    with pytest.raises(DomainError, match="month/day/year and as day/month/year"):
        find_unit(["03/04/2013", "05/06/2014"], where="x.csv, column date")


@pytest.mark.parametrize("values", [[1, 2, 3], ["soon", "later"], [None, ""], [True]])
def test_a_column_without_times_is_an_error_that_says_what_to_do(values: list[object]) -> None:
    with pytest.raises(DomainError) as caught:
        find_unit(values, where="x.csv, column t", otherwise="choose another column")
    assert "--time-format" in caught.value.remedy
    assert caught.value.remedy.endswith("or choose another column")


@pytest.mark.parametrize(
    "value",
    [
        0, -1, 10**30, "1" * 5000, float("nan"), float("inf"), True, "", "1_393_545_600", "soon",
        [1], 4102444800, 1e305, -1e308, 10**400,
    ],
)  # fmt: skip
def test_a_value_that_is_no_time_has_a_reason(value: object) -> None:
    unit = find_unit([1393545600, 1393545601], where="test")
    with pytest.raises(ValueError, match="is "):
        unit.read(value)


def test_seconds_among_milliseconds_do_not_become_january_1970() -> None:
    unit = find_unit([1393545600000] * 9 + [1393545600], where="test")
    with pytest.raises(ValueError, match="too small for milliseconds"):
        unit.read(1393545600)


@pytest.mark.parametrize(
    "odd", ["9999-12-31 24:00", "5 Jan 2019 +9900", "5 Jan 2019 10:00 +99:00", "2021年99月5日"]
)
def test_one_impossible_time_does_not_end_an_import(odd: str) -> None:
    values = [odd, *(f"{day} Jan 2019" for day in range(1, 20))]
    unit = find_unit(values, where="test")
    assert unit.name == "dates with names of months"
    with pytest.raises(ValueError):
        unit.read(odd)
    slashes = find_unit([odd, "28/02/2014", "04/03/2013", "05/03/2013"], where="test")
    assert slashes.name == "dates (day/month/year)"


@given(st.text(alphabet="0123456789 :/-.+TZJanFebMarpm年月日", max_size=24))
def test_whatever_a_value_is_it_is_a_time_or_none(text: str) -> None:
    try:
        unit = find_unit(["28 Feb 2014", "3 Mar 2014", "4 Mar 2014", text], where="test")
        unit.read(text)
    except (ValueError, DomainError):
        pass


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y/%m/%d %H:%M", "%y.%m.%d"])
def test_years_of_two_digits_may_stand_first(form: str) -> None:
    days = [datetime(2019, 1, 3) + timedelta(days=11 * n) for n in range(100)]
    unit = find_unit([f"{day:{form}}" for day in days], where="test")
    assert unit.said == "year-first"
    again = find_unit([f"{days[0]:{form}}"], where="test", said=unit.said)
    for day in days:
        micros = (day.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
        assert unit.read(f"{day:{form}}") == again.read(f"{day:{form}}") == micros


@pytest.mark.parametrize("form", ["%d-%m-%y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y"])
def test_years_of_two_digits_that_stand_last_stay_there(form: str) -> None:
    days = [datetime(2019, 1, 3) + timedelta(days=11 * n) for n in range(100)]
    unit = find_unit([f"{day:{form}}" for day in days], where="test")
    for day in days:
        micros = (day.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
        assert unit.read(f"{day:{form}}") == micros


def test_a_year_of_1999_and_one_after_2000_stand_in_one_place() -> None:
    unit = find_unit(["99-12-30", "01-02-03", "05-06-07"], where="test")
    read = [EPOCH + timedelta(microseconds=unit.read(text)) for text in ("99-12-30", "01-02-03")]
    assert [moment.date() for moment in read] == [date(1999, 12, 30), date(2001, 2, 3)]


def test_years_that_may_stand_first_or_last_are_asked_for() -> None:
    values = ["19-01-16", "20-02-17", "20-03-18"]
    with pytest.raises(DomainError) as caught:
        find_unit(values, where="x.csv, column date", otherwise="choose another column")
    assert "--time-format" in caught.value.remedy
    for said, day in (("year-first", date(2019, 1, 16)), ("day-first", date(2016, 1, 19))):
        unit = find_unit(values, where="test", said=said)
        assert (EPOCH + timedelta(microseconds=unit.read(values[0]))).date() == day
