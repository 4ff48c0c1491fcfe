"""The keyboard: one listener for the whole workbench, what each key does, and the help.

Streamlit's own ``st.button(shortcut=...)`` is not enough (1.67): it knows no ``/`` and ``?``, needs
a visible button for each key, and a Space of its own takes the key from whatever button has the
focus. So a component of Streamlit's own kind (``st.components.v2``) listens. It draws nothing, and
no setting is loosened for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from pandas import DataFrame

from core.domain import DomainError
from core.language import tr
from pages._shared import controls, drawing, jump, loaders, state, turning
from pages._shared.jump import Act
from pages._shared.state import PLAYING, TIME, USER

LISTENER, ON, OFF, HEARD = "keys", "keys_on", "keys_off", "keys_heard"
MOST = 32
"""Presses by which a busy server may lag behind."""
_listen = st.components.v2.component(
    "tastelines_keys", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def acts(pages: Sequence[st.Page], *, plays: bool) -> dict[str, Act]:
    """What each key does on this page, by the key's name."""
    known = {
        "ArrowRight": Act(tr("Next event"), "arrow_forward", lambda: move(1)),
        "ArrowLeft": Act(tr("Previous event"), "arrow_back", lambda: move(-1)),
        "Shift+ArrowRight": Act(
            tr("Next turning point or review"), "last_page", lambda: move_to_landmark(1)
        ),
        "Shift+ArrowLeft": Act(
            tr("Previous turning point or review"), "first_page", lambda: move_to_landmark(-1)
        ),
        "J": Act(tr("Next user"), "person", lambda: move_user(1)),
        "K": Act(tr("Previous user"), "person", lambda: move_user(-1)),
    }
    if plays:
        known["Space"] = Act(tr("Play or pause"), "play_arrow", play)
    for number, page in enumerate(pages[:10], start=1):
        known[str(number % 10)] = Act(page.title, "", partial(jump.open_page, jump.script_of(page)))
    known["?"] = Act(tr("Keys"), "keyboard", lambda: jump.open_dialog(jump.HELP))
    return known


def listen(pages: Sequence[st.Page], *, plays: bool) -> None:
    """Hear keys on this page, and draw the dialog that one of them opened.

    ``plays``: whether the page can be played.
    """
    known = acts(pages, plays=plays)
    names = ["Ctrl+K", "?"] if state.get(OFF) else [*known, "/", "Ctrl+K"]
    state.put(HEARD, here((state.get(HEARD) or Heard()).presses))  # as the sidebar has settled it
    jump.go_on()
    opened = state.get(jump.DIALOG)
    _listen(
        key=LISTENER,
        data={
            "keys": names,
            "most": MOST,
            "focus": f".st-key-{jump.BOX} input" if opened == jump.GO else "",  # no sentence
        },
        on_pressed_change=lambda: None,
    )
    with st.container(horizontal=True, gap="small"):
        go_to, about = tr("Go to (Ctrl+K)"), tr("Keys (?)")
        drawing.button(go_to, "open_go", jump.open_dialog, jump.GO, type="tertiary")
        drawing.button(about, "open_keys", jump.open_dialog, jump.HELP, type="tertiary")
    if opened == jump.GO:
        jump.draw(pages, [act for act in known.values() if act.icon])
    elif opened == jump.HELP:
        draw_help(pages)


class Heard(NamedTuple):
    """How many presses were heard, and where the session was or is after them."""

    presses: int = 0
    user: str | None = None
    time: int | None = None
    is_playing: bool = False


def hear(pages: Sequence[st.Page], *, plays: bool) -> None:
    """Do what the keys say that were pressed since the last run, in their order; first of all.

    With a press the browser also sends the user and the time that it shows. While it is behind
    they are from before the last press, so a press counts from where this session is. The next
    press or tick may end this run at any line that touches the session: only the last line here
    says what was heard, and the next run begins where this one did.
    """
    said = (state.get(LISTENER) or {}).get("pressed") or {}
    count, pressed = int(said.get("count", 0)), list(said.get("pressed", ()))
    before = state.get(HEARD)
    if before is None:  # a new session in a tab that is already there: these were heard before
        state.put(HEARD, here(count))
        return
    if count in (0, before.presses):
        return
    new = count - before.presses if count > before.presses else count  # or a listener made anew
    state.put(USER, before.user)
    state.put(TIME, before.time)
    state.put(PLAYING, before.is_playing or None)
    known = acts(pages, plays=plays)
    for name in pressed[max(len(pressed) - new, 0) :]:
        with suppress(DomainError):  # of a corpus or model that can't be read, which is said later
            if name in ("/", "Ctrl+K"):
                jump.open_dialog(jump.GO)
            elif name == "Enter":  # no sentence
                jump.follow_first(pages, [act for act in known.values() if act.icon])
            elif name == "Enter user":  # no sentence
                choose_first()
            elif name in known:
                known[name].do()
    state.put(state.BEHIND, True)
    state.put(HEARD, here(count))


def here(presses: int) -> Heard:
    return Heard(presses, state.get(USER), state.get(TIME), bool(state.get(PLAYING)))


def steps() -> int:
    """How many steps the chosen user's history has; 0 where none is chosen, or can be read."""
    name, user = state.selection().corpus, state.get(USER)
    with suppress(DomainError):  # the sidebar says why
        corpus = loaders.corpus(name) if name else None
        return len(corpus.history(user)) if corpus and user and corpus.knows(user) else 0
    return 0


def move(by: int) -> None:
    if n := steps():
        controls.move_step(by, n)


def move_to_landmark(by: int) -> None:
    """Go to the next turning point; where none follows, to the next review."""
    chosen, n = state.selection(), steps()
    if not n or chosen.corpus is None or chosen.model_id is None:
        return
    engine, user = loaders.engine(chosen.corpus, chosen.model_id), state.get(USER)
    turns = [turn.step for turn in turning.of_user(engine, user).turns]
    events = enumerate(engine.corpus.history(user).events, start=1)
    reviews = [step for step, event in events if event.words]
    now = int(state.get(TIME) or n)
    for landmarks in (turns, reviews):
        ahead = [step for step in landmarks if (step - now) * by > 0]
        if ahead:
            controls.move_step((min(ahead) if by > 0 else max(ahead)) - now, n)
            return


def move_user(by: int) -> None:
    corpus = state.selection().corpus
    if corpus is not None:
        controls.move_user(loaders.corpus(corpus), by)


def choose_first() -> None:
    corpus = state.selection().corpus
    if corpus is not None:
        controls.choose_first(loaders.corpus(corpus))


def play() -> None:
    if (n := steps()) > 1:
        controls.toggle_play(n)


def switch() -> None:
    """Remember whether single keys are on; the control itself goes with its dialog."""
    state.put(OFF, not state.get(ON) or None)


def draw_help(pages: Sequence[st.Page]) -> None:
    """What the keys do; single keys can be switched off, for those who dictate."""
    listed = tr(", ").join(f"{at % 10} {page.title}" for at, page in enumerate(pages[:10], start=1))
    helps = {
        "← →": tr("previous, next event"),
        "Shift+← Shift+→": tr("previous, next turning point; review where none follows"),
        "J K": tr("next, previous user of the list you came from"),
        tr("Space"): tr("play or pause the Timeline"),
        tr("1 to 9, 0"): listed,
        tr("/ or Ctrl+K"): tr("go to a user, an item or a page, or do something"),
        "?": tr("this help"),
        tr("Tab, Enter"): tr(
            "next control, press it; arrows move within sliders, tabs and choices"
        ),
    }

    @st.dialog(tr("Keys"), on_dismiss=jump.close)
    def dialog() -> None:
        rows = DataFrame({tr("Key"): helps.keys(), tr("Does"): helps.values()})
        st.table(rows, hide_index=True)
        st.toggle(tr("Single keys are on"), not state.get(OFF), key=ON, on_change=switch)

    dialog()
