"""The Timeline as a cockpit, and charts on a phone: what only a browser shows."""

from __future__ import annotations

import math
import re

STAY = re.compile(r"(\d+) of 10 stay")
PHONE = {"width": 390, "height": 844}
ROOM = """selector => {
    const plot = document.querySelector(`${selector} .js-plotly-plot`);
    if (!plot?._fullLayout) return {plot: 0, width: 1, cut: 0};  // a run puts another in its place
    const {w} = plot._fullLayout._size, {left, right} = plot.getBoundingClientRect();
    const words = [...plot.querySelectorAll(".annotation-text, .ytick text")]
        .map(word => word.getBoundingClientRect()).filter(box => box.width);
    return {plot: w, width: right - left,
            cut: words.filter(box => box.left < left - 1 || box.right > right + 1).length};
}"""


def said(tab, start: str) -> str:
    """A sentence of the page by its beginning."""
    return tab.page.get_by_text(re.compile(f"^{start}")).first.inner_text()


def test_timeline_and_compare_count_the_same_list(tab, busy_user) -> None:
    for recommender, name in (("joint", "joint"), ("ease", "EASE")):
        address = f"/timeline?corpus=demo&user={busy_user}&time=20&recommender={recommender}"
        tab.open(address).drawn("step_sizes")
        here = said(tab, f"Top 10 by {name}, compared with the one at step 19")
        tab.page.get_by_role("link", name="Before and after").click()
        tab.wait_for_url("/compare")
        there = said(tab, "From step 19")
        assert f"by {name}" in there
        assert STAY.findall(here) == STAY.findall(there)


def test_event_and_list_stay_in_sight_while_the_charts_scroll(tab, busy_user) -> None:
    tab.page.set_viewport_size({"width": 1440, "height": 900})
    tab.open(f"/timeline?corpus=demo&user={busy_user}&time=20").drawn("map")
    event = tab.page.get_by_text(re.compile("^Step 20 of"))
    before = tab.box(event)
    tab.box(tab.page.locator(".st-key-pick_map"))
    assert event.bounding_box() == before
    assert tab.page.get_by_role("button", name="Play").bounding_box()["y"] > 0
    assert tab.page.get_by_text("Interest profile after this event").bounding_box()["y"] < 850


def test_a_numbered_mark_of_the_map_opens_explain(tab, busy_user) -> None:
    tab.open(f"/timeline?corpus=demo&user={busy_user}&time=20")
    marks = tab.trace("map", "list")
    places = list(zip(marks["x"], marks["y"], strict=True))
    apart = [sorted(math.dist(place, other) for other in places)[1] for place in places]
    free = apart.index(max(apart))  # others may lie on each other
    item = marks["steps"][free][1]
    tab.click_point("map", "list", free)
    tab.wait_for_url("/explain").wait_for_url(f"item={item}")
    assert tab.step == 20


def test_charts_keep_their_room_on_a_phone(tab, busy_user) -> None:
    tab.page.set_viewport_size(PHONE)
    about = f"corpus=demo&user={busy_user}&time=20"
    for page, place in (
        ("explain", ".st-key-waterfall"),
        ("compare", ".st-key-pick_flow"),
        ("timeline", ".st-key-pick_events"),
    ):
        tab.open(f"/{page}?{about}")
        tab.page.wait_for_function(
            "place => document.querySelector(`${place} .js-plotly-plot .main-svg`)", arg=place
        )
        least = 0.3 if page == "compare" else 0.65
        tab.page.wait_for_function(
            f"place => {{ const room = ({ROOM})(place);"
            f" return room.plot >= {least} * room.width && room.cut === 0; }}",
            arg=place,
        )
