"""What a person has chosen, kept in the session and in the URL. No other module touches either.

The URL is written by hand instead of with ``bind="query-params"``: with Streamlit 1.67 a bound
parameter makes ``st.switch_page`` raise, makes ``st.page_link(query_params=...)`` append a second
value that is then ignored, and a value set by code before the widget never reaches the URL. Written
by hand, links, back and forward, page switches and code all work (tests/browser).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.language import tr


@dataclass(frozen=True, slots=True)
class Key:
    """A choice that belongs to the address: ``name`` is its parameter and its widget's key."""

    name: str
    pages: tuple[str, ...] = ()
    """The pages that have it, by their scripts' names; none: all pages."""
    usual: Any = None
    """Its value where the address doesn't name it."""
    read: Callable[[str], Any] = str
    """Makes its value of the text in the address; ValueError where that can't be."""
    about: str = ""
    """The choice that it is about: forgotten when that one changes."""


CORPUS, MODEL, USER, TIME, ITEM = "corpus", "model", "user", "time", "item"
LANGUAGE = "lang"
"""The language of all pages, where it is not the browser's: a name of ``core.language``."""
RECOMMENDER = "recommender"
"""Whose lists the pages about a user show."""
SPACING, EXTENT = "spacing", "extent"
"""How the Timeline draws time, and how much of it."""
MEASURE, WORDS_OF, TARGET = "explain_measure", "words_of", "words_target"
"""What Explain explains, the step whose review it reads, and for what."""
BESIDE = "beside"
"""Beside whom or what Explain explains the item: ``user:ID``, ``user:ID@STEP``, ``model:ID``."""
EVENT = "event"
"""The step of the chosen event, beside the selected time: every chart and table marks it."""
COLUMNS = "columns"
"""What Compare shows: a preset's name or columns in the notation of ``core.compare.columns``."""
PAIR = "compare_pair"
"""The right column of the pair that Compare explains."""
SCENARIO = "scenario"
"""Which saved scenario What-if shows."""
EDITS = "edits"
"""Unsaved edits of What-if (``core.scenario.unsaved``); other pages carry them."""
FORM = "whatif_form"
"""Which of What-if's forms is open."""
GOAL = "goal"
"""Whether What-if's search brings the item ``in`` or ``out``."""
SEARCH_IN, SEARCH, TOPIC, LEAST, SORT = (
    f"users_{name}" for name in ("search_in", "search", "topic", "least", "sort")
)
"""Which users the page Users lists, and in which order."""
ATTRIBUTE, ATTRIBUTE_IS, ATTRIBUTE_LEAST, ATTRIBUTE_MOST = (
    f"users_{name}" for name in ("attribute", "is", "least_of", "most_of")
)
"""The attribute of users that Users shows first, and what it has to be."""
PROTOCOL, USUAL_PROTOCOL = "protocol", "leave-last-out"
SUBJECT = "about"
"""Which recommender Quality is about."""
TAB = "quality_tab"
PERIOD, COHORT = "quality_period", "quality_cohort"
"""Whose targets are listed below the figures by month and by cohort."""
MONITOR_PERIOD, MONITOR_SINCE, MONITOR_ALARM = (
    f"monitor_{name}" for name in ("period", "since", "alarm")
)
"""How long a period of Monitor is, from which day on it tests, and which alarm is open."""
COHORTS_AT, COHORTS_BY = "cohorts_at", "cohorts_by"
"""The calendar time at which Cohorts shows all users, and what colours them."""
COHORTS_ATTRIBUTE = "cohorts_attribute"
"""The attribute that colours users where ``COHORTS_BY`` says so."""
COHORTS_RULE, COHORTS_AREA, COHORT_SAVED = "cohorts_rule", "cohorts_area", "cohort"
COHORTS_USERS = "cohorts_users"
"""Whom Cohorts describes: a rule, a region of the map, a saved cohort by its id, or users that
another page found (``core.cohorts.listed``)."""
COHORT_AGAINST = "cohort_against"
"""The saved cohort that it is held against."""
COHORTS_PATTERN, PATTERN_SAVED = "cohorts_pattern", "pattern"
"""What becomes of a cohort's histories, and a saved answer to that by its id."""
COHORTS_SOURCES = (PATTERN_SAVED, COHORT_SAVED, COHORTS_RULE, COHORTS_AREA, COHORTS_USERS)
"""Where the address says whom Cohorts describes; the first that is there counts."""
FINDINGS_OF, FINDINGS_QUERY, FINDINGS_PAGE = "notebook_scope", "notebook_query", "notebook_page"
"""Which findings the Notebook lists."""

ONE_USER = ("timeline", "explain", "what_if", "compare")
LISTS = (*ONE_USER, "cohorts")
"""Pages that show users' lists, by the recommender of the sidebar."""
EXPLAIN, NOTEBOOK, USERS, COHORTS = ("explain",), ("notebook",), ("users",), ("cohorts",)
TABLE = (
    Key(LANGUAGE),
    Key(CORPUS),
    Key(MODEL, about=CORPUS),
    Key(USER, about=CORPUS),
    Key(TIME, about=USER),
    Key(RECOMMENDER, LISTS),
    Key(ITEM, ONE_USER, about=USER),
    Key(EVENT, ONE_USER, read=int, about=USER),
    Key(SPACING, ("timeline",), "time"),
    Key(EXTENT, ("timeline",), "whole"),
    Key(MEASURE, EXPLAIN, "score"),
    Key(WORDS_OF, EXPLAIN, read=int, about=USER),
    Key(TARGET, EXPLAIN, "score"),
    Key(BESIDE, EXPLAIN, about=CORPUS),
    Key(SCENARIO, ONE_USER, about=USER),
    Key(EDITS, ONE_USER, about=USER),
    Key(GOAL, ONE_USER, about=USER),
    Key(FORM, ("what_if",), "text"),
    Key(COLUMNS, ("compare",), about=CORPUS),
    Key(PAIR, ("compare",), read=int, about=USER),
    Key(SEARCH_IN, USERS, "id"),
    Key(SEARCH, USERS, ""),
    Key(TOPIC, USERS, about=MODEL),
    Key(LEAST, USERS, 1, int),
    Key(SORT, USERS, "drift"),
    Key(ATTRIBUTE, USERS, about=CORPUS),
    Key(ATTRIBUTE_IS, USERS, about=ATTRIBUTE),
    Key(ATTRIBUTE_LEAST, USERS, "", about=ATTRIBUTE),
    Key(ATTRIBUTE_MOST, USERS, "", about=ATTRIBUTE),
    Key(PROTOCOL, ("quality",), USUAL_PROTOCOL),
    Key(SUBJECT, ("quality",)),
    Key(TAB, ("quality",), "By month"),
    Key(PERIOD, ("quality",), "all"),
    Key(COHORT, ("quality",), "all"),
    Key(MONITOR_PERIOD, ("monitor",), "auto"),
    Key(MONITOR_SINCE, ("monitor",), about=CORPUS),
    Key(MONITOR_ALARM, ("monitor",), about=CORPUS),
    Key(COHORTS_AT, COHORTS, "end", about=CORPUS),
    Key(COHORTS_BY, COHORTS, "topic"),
    Key(COHORTS_ATTRIBUTE, COHORTS, about=CORPUS),
    Key(COHORTS_RULE, COHORTS, about=CORPUS),
    Key(COHORTS_AREA, COHORTS, about=MODEL),
    Key(COHORT_SAVED, ("cohorts", "quality", "compare", "monitor"), about=CORPUS),
    Key(COHORTS_USERS, COHORTS, about=CORPUS),
    Key(COHORT_AGAINST, COHORTS, about=CORPUS),
    Key(COHORTS_PATTERN, COHORTS, about=CORPUS),
    Key(PATTERN_SAVED, COHORTS, about=CORPUS),
    Key(FINDINGS_OF, NOTEBOOK, "all"),
    Key(FINDINGS_QUERY, NOTEBOOK, ""),
    Key(FINDINGS_PAGE, NOTEBOOK, 1, int),
)
"""Every choice that the address holds. A control whose choice lasts has a line here."""
KEYS = {key.name: key for key in TABLE}
TRANSIENT = {
    "language": "the language, by name",
    "quality_tab_*": "the tab, in another language than English",
    "compare_preset compare_length column_*": "parts of columns",
    "compare_follow": "the item, by name",
    "whatif_pick": "the scenario, by name",
    "pick_* waterfall": "a click in a chart: it chooses a time, an item or a review",
    "whatif_event whatif_words whatif_add_* whatif_name whatif_notes whatif_upload history_*": (
        "what is being typed: it becomes edits"
    ),
    "whatif_wanted whatif_goal whatif_other": "the question of a search",
    "import_* map_* mapping train_* lists_*": "what is being imported or trained",
    "keep_* name_* notes_*": "what is being noted",
    "own_*": "a history that is being uploaded: it becomes a user",
    "rule_*": "what is being asked: it becomes a rule",
    "users_map": "a region that is being drawn: it becomes an area",
    "strategy_*": "settings that are being chosen: they become a strategy",
    "cohort_name cohort_notes cohort_pick cohort_other cohort_of_*": "a cohort, by name",
    "pattern_*": "what is being asked: it becomes a pattern; a saved one, by name",
    "keys keys_on jump_query screen live": "the keyboard, the window, a click in a chart",
    "find_user_*": "the user, by a part of the id",
    "table tables turns_open attributes_open": "tables, evidence and attributes below a fold",
}
"""Widgets that hold nothing of what a page shows, by patterns of their keys, and why."""
PLAYING = "playing"
PLAYING_CALENDAR = "playing_calendar"
"""Whether Cohorts goes through the calendar."""
PAGE = "page"
"""Which page is open: its name in the address, and its title in English."""
BEHIND = "behind"
"""Set by a key or a choice: the browser may still show an older URL, which is no wish then."""
WALK = "walk"
"""A corpus, and users of it in the order in which the previous and the next one are found."""
TOLD = 3
"""From which run on a typed value is no longer told to the browser."""
BEHIND_SECONDS = 2.0
"""How long after a run the browser may still report what a picker held before it."""
LATEST = 3
"""Values before this one that it may report then; of the ticks of Play about so many."""
_WRITTEN = "_written_to_url"
_NOTICES, _NOTICED_ON = "_notices", "_noticed_on"
_SELECTION = "_selection"
_ASKED = "_asked_by_url"
_HELD = "_held"


@dataclass(slots=True)
class Held:
    """What a picker holds, as the browser was told or has reported."""

    value: Any
    before: tuple[Any, ...] = ()
    """What it held before code set another value, until the browser has surely taken that."""
    told: float = 0.0
    """When the run that told it ended, infinite until then; or when a report was taken back."""
    is_renamed: bool = False
    """Whether it is called otherwise since: by its old name the browser reports what is unknown."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the sidebar settled on; None where nothing is chosen or nothing exists.

    ``step`` counts from 1; ``recommender`` is None on pages that show no user's lists.
    """

    corpus: str | None
    model_id: str | None
    user_id: str | None
    step: int | None
    recommender: str | None = None


def get(key: str) -> Any:
    """A value of this session; None when unset."""
    return st.session_state.get(key)


def put(key: str, value: Any) -> None:
    """Set a value before its widget is drawn, or in a callback; None forgets it."""
    if value is None:
        st.session_state.pop(key, None)
    else:
        st.session_state[key] = value


def hold(key: str, *, typed: bool = False) -> None:
    """Tell the browser a value of this session again, just before its widget is drawn.

    Streamlit sends a value set by code once. A busy browser may skip the elements of that run when
    those of the next are there; it then starts the widget empty and reports that as a choice.
    ``typed`` is for text fields: from the third run on they are left to the person, or what is
    being typed would be lost.
    """
    if key not in st.session_state:
        return
    value = st.session_state[key]
    _remember(key, value)
    if typed:
        last, times = st.session_state.get(f"_told_{key}", (None, 0))
        times = times + 1 if last == value else 1
        st.session_state[f"_told_{key}"] = (value, times)
        if times >= TOLD:
            return
    st.session_state[key] = value


def _remember(key: str, value: Any) -> None:
    """Note what a picker holds from now on, and what it held before if code changed that."""
    kept = held()
    now = kept.setdefault(key, Held(value))
    if now.value != value:
        before = now.before if time.monotonic() - now.told < BEHIND_SECONDS else ()
        kept[key] = Held(value, (*before, now.value)[-LATEST:], math.inf)


def held() -> dict[str, Held]:
    """What the pickers hold, by key; for ``told``, as a run that ends can't ask for it."""
    kept: dict[str, Held] = st.session_state.setdefault(_HELD, {})
    return kept


def renamed() -> None:
    """The language has changed, and with it what the values of pickers are called."""
    clear_notices()
    for picker in held().values():
        picker.is_renamed, picker.told = True, math.inf


def is_old_name(key: str, reported: Any) -> bool:
    """Whether a picker may hold what its value was called before the language changed."""
    now = held().get(key)
    if now is None or not now.is_renamed or not isinstance(reported, str) or is_asked(key):
        return False
    return time.monotonic() - now.told < BEHIND_SECONDS


def told(kept: dict[str, Held]) -> None:
    """A run has ended: from now on the browser takes what it was told."""
    for picker in kept.values():
        if picker.told == math.inf:
            picker.told = time.monotonic()


def is_choice(key: str) -> bool:
    """Whether a change that the browser reports of a picker that was held is a choice.

    Each click, and each tick of a fragment, brings all that the browser holds, which may be what a
    picker held before code set another value. It is taken back then; so is a real choice of one of
    those values within ``BEHIND_SECONDS``. What comes with a fragment's run is never a choice: one
    of a picker asks for a run of the whole page. For callbacks.
    """
    reported, run = st.session_state[key], get_script_run_ctx()
    now = held().get(key, Held(reported))
    if reported != now.value:
        is_tick = run is not None and bool(run.fragment_ids_this_run)
        is_behind = reported in now.before and time.monotonic() - now.told < BEHIND_SECONDS
        if is_tick or is_behind or is_old_name(key, reported):
            st.session_state[key] = now.value
            now.told = time.monotonic() if is_tick else math.inf
            return False
    held()[key] = Held(reported)
    return True


def choose(key: str, value: Any) -> None:
    """Set a widget before it is drawn; None empties it, where ``put`` leaves the browser's."""
    st.session_state[key] = value


def page() -> str:
    """The open page, by its script's name."""
    return (get(PAGE) or ("",))[0] or "overview"


def of_page(name: str) -> list[Key]:
    """The choices that belong to the address of a page."""
    return [key for key in TABLE if not key.pages or name in key.pages]


def cohort_of(key: str, value: str | None) -> dict[str, str | None]:
    """The values of a link to Cohorts that describes what one of ``COHORTS_SOURCES`` says."""
    return dict.fromkeys((*COHORTS_SOURCES, COHORT_AGAINST)) | {key: value}


def stop_playing() -> None:
    """Neither the Timeline nor the calendar of Cohorts goes on by itself."""
    put(PLAYING, None)
    put(PLAYING_CALENDAR, None)


def forget_about(name: str) -> None:
    """Set what is about a choice to what is usual, as after a change of it; Play stops."""
    stop_playing()
    if name == USER and has_own_columns():
        choose(COLUMNS, None)
    for key in TABLE:
        if key.about == name:
            choose(key.name, key.usual)
            forget_about(key.name)


def adopt_url() -> None:
    """Take what the URL asks for, if it isn't what this session wrote there.

    The URL is the whole state: what it does not name is as usual.
    """
    if notices() and get(_NOTICED_ON) != page():
        clear_notices()
    if get(BEHIND):
        return
    asked = {key: st.query_params[key] for key in KEYS if key in st.query_params}
    if not asked or asked == st.session_state.get(_WRITTEN):
        return
    st.session_state[_WRITTEN] = asked
    clear_notices()
    put(_ASKED, frozenset(asked))
    stop_playing()
    for name in (CORPUS, USER):
        if asked.get(name) != get(name):
            forget_about(name)
    for key in of_page(page()):
        choose(key.name, key.usual)
    for name, text in asked.items():
        try:
            choose(name, KEYS[name].read(text))
        except ValueError:
            said = tr(
                "{wish} in the address can't be read, so it is left out.", wish=f"{name}={text}"
            )
            add_notice(name, said)


def is_asked(key: str) -> bool:
    """Whether the URL named a key; until the person chooses something."""
    return key in (get(_ASKED) or ())


def publish_url(selection: Selection) -> None:
    """Write what the sidebar settled on, and all choices of the page, to the URL."""
    st.session_state[_SELECTION] = selection
    publish_again()


def publish_again() -> None:
    """Write the state to the URL; also for a fragment, after a choice in it.

    While Play is on the URL waits, or Back would have to walk through every step played. A run
    knows the URL that the browser had when it asked for it; what an earlier run has written since
    may still be on its way there, so both have to be right already for the URL to be left alone.
    """
    if not get(PLAYING) and not get(PLAYING_CALENDAR):
        wanted = link()
        is_right = st.query_params.to_dict() == wanted == st.session_state.get(_WRITTEN, wanted)
        st.session_state[_WRITTEN] = wanted
        if not is_right:
            st.query_params.from_dict(wanted)
    put(BEHIND, None)


def walk(user_ids: Sequence[str]) -> Sequence[str]:
    """The list of users that the person came from, else ``user_ids``, all of the corpus."""
    corpus, listed = get(WALK) or (None, ())
    return listed if corpus == get(CORPUS) and get(USER) in listed else user_ids


def has_own_columns() -> bool:
    """Whether Compare shows a person's own columns, each with a user and a time of its own."""
    return "=" in str(get(COLUMNS) or "")


def is_settled() -> bool:
    """Whether the sidebar has been drawn in this session."""
    return _SELECTION in st.session_state


def selection() -> Selection:
    """What the sidebar settled on in this run."""
    settled: Selection = st.session_state[_SELECTION]
    return settled


def link(to: str = "", /, **values: str | int | None) -> dict[str, str]:
    """The address of a page: what is chosen now with some values replaced.

    ``to`` is the page's script, the open page unless named. Another user or corpus in ``values``
    forgets what is about the present one.
    """
    now = selection()
    state = {key.name: get(key.name) for key in TABLE}
    state |= {CORPUS: now.corpus, MODEL: now.model_id, USER: now.user_id, TIME: now.step}
    for key in TABLE:
        if key.about in values and values[key.about] != state[key.about]:
            values = {key.name: key.usual} | values
    if values.get(USER, state[USER]) != state[USER] and has_own_columns():
        values = {COLUMNS: None} | values
    state |= values
    there = Path(to).stem if to else page()
    if state[USER] is None:
        state |= dict.fromkeys(key.name for key in TABLE if key.about == USER)
        state |= dict.fromkeys((COLUMNS,) if there in COHORTS else (RECOMMENDER, COLUMNS))
    keys = of_page(there)
    return {
        key.name: str(state[key.name]) for key in keys if state[key.name] not in (None, key.usual)
    }


def go(page: str, **values: str | int | None) -> NoReturn:
    """Switch to a page, with some values replaced as in ``link``; its address is a wish again."""
    to = link(page, **values)
    put(BEHIND, None)
    st.switch_page(page, query_params=to)


def add_notice(about: str, text: str) -> None:
    """Remember that a wish of the URL could not be met; shown on this page until a choice."""
    put(_NOTICED_ON, page())
    st.session_state[_NOTICES] = notices() | {about: text}


def notices() -> dict[str, str]:
    """Wishes that could not be met, by key of the URL; plain text."""
    return get(_NOTICES) or {}


def clear_notices() -> None:
    """Forget them, and what the URL asked for."""
    put(_NOTICES, None)
    put(_ASKED, None)


def has_chosen() -> None:
    """The person has chosen something: notices go, and the browser's URL may be behind."""
    clear_notices()
    put(BEHIND, True)


def acting(act: Callable[..., object]) -> Callable[..., None]:
    """The callback of a click that ``act`` answers: what it sets goes before the browser's URL.

    A click brings the URL that the browser had, which may be older than what was written since. A
    fragment's run doesn't read the URL, and one that follows it may be a wish.
    """

    def answer(*args: object) -> None:
        act(*args)
        run = get_script_run_ctx()
        if run is not None and not run.fragment_ids_this_run:
            put(BEHIND, True)

    return answer


def picked_data(chart_key: str) -> list[Any] | None:
    """What the point picked in a chart carries; None when a pick was undone."""
    event = st.session_state.get(chart_key) or {}
    for point in event.get("selection", {}).get("points", ()):
        data = point.get("customdata")
        values = list(data) if isinstance(data, list | tuple) else [data]
        if values and values[0] is not None:
            return values
    return None


def drawn_region(chart_key: str) -> tuple[list[float], list[float]] | None:
    """Corners of the region last drawn in a chart, by lasso or box; None where none is."""
    selection = (st.session_state.get(chart_key) or {}).get("selection") or {}
    for region in selection.get("lasso") or ():
        return list(region["x"]), list(region["y"])
    for box in selection.get("box") or ():
        (left, right), (low, high) = box["x"][:2], box["y"][:2]
        return [left, right, right, left], [low, low, high, high]
    return None


def picked_step(chart_key: str) -> int | None:
    """The step of the point picked in a chart; None when a pick was undone."""
    data = picked_data(chart_key)
    return int(data[0]) if data else None
