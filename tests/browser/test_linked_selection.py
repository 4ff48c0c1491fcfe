"""One chosen event and one chosen item: marked on every page about a user, carried between them."""

from __future__ import annotations

TABLES = """name => [...document.querySelectorAll('[data-testid=stDataFrame]')]
    .filter(table => [...table.querySelectorAll('[aria-label]')].some(
        part => part.getAttribute('aria-label').startsWith(name)))
    .map(table => [...table.querySelectorAll('td')].map(cell => cell.textContent.trim())
        .filter(text => text.startsWith('●')))"""


def marks(tab, table: str) -> list[str]:
    """The cells with a dot, of the tables whose text alternative begins so."""
    tab.page.wait_for_function(f"name => ({TABLES})(name).flat().length > 0", arg=table)
    found: list[list[str]] = tab.page.evaluate(TABLES, table)
    return [cell for cells in found for cell in cells]


def wait_for_ring(tab, chart: str) -> None:
    """Wait until a mark of a Timeline's chart is ringed as chosen."""
    tab.page.wait_for_function(
        """chart => document.querySelector(`.st-key-pick_${chart} .js-plotly-plot`)
            ?.data?.some(trace => trace.name === 'chosen')""",
        arg=chart,
    )


def go(tab, page: str) -> None:
    """Follow the menu, as a person does; what is chosen must be in the new address."""
    tab.page.get_by_test_id("stSidebarNavLink").filter(has_text=page).click()
    tab.wait_for_url(f"/{page.lower().replace('-', '_')}").settle()


WATERFALL = "document.querySelector('.st-key-waterfall .js-plotly-plot')"
BOLD = f"""() => {{
    const ticks = {WATERFALL}?._fullLayout?.yaxis?.ticktext ?? [];
    return ticks.find(text => text.startsWith('<b>step'));
}}"""


def pick_a_bar(tab) -> int:
    """Click the first bar of Explain's waterfall that is about one event; its step."""
    tab.page.wait_for_function(f"() => {WATERFALL}?.calcdata?.length")
    _, _, step = tab.click_found(
        ".st-key-waterfall",
        f"""() => {{
            const plot = {WATERFALL}, box = plot.getBoundingClientRect();
            const trace = plot._fullData.find(one => one.name === 'events');
            const {{xaxis, yaxis}} = plot._fullLayout;
            const named = at => yaxis.ticktext[yaxis.tickvals.indexOf(trace.y[at])] ?? '';
            const at = Array.from(trace.x.keys())
                .filter(at => /^(<b>)?step /.test(named(at)))
                .sort((a, b) => Math.abs(trace.x[b]) - Math.abs(trace.x[a]))[0];
            return [box.left + xaxis._offset + xaxis.l2p(trace.base[at] + trace.x[at] / 2),
                    box.top + yaxis._offset + yaxis.l2p(trace.y[at]), trace.customdata[at]];
        }}""",
    )
    return int(step)


def test_what_is_chosen_is_marked_on_every_page(tab, busy_user) -> None:
    tab.open(f"/timeline?corpus=demo&user={busy_user}&time=20")
    item = tab.trace("map", "list")["steps"][3][1]
    tab.open(f"/explain?corpus=demo&user={busy_user}&time=20&item={item}")
    event = pick_a_bar(tab)
    tab.wait_for_url(f"event={event}")
    assert tab.page.wait_for_function(BOLD).json_value().startswith(f"<b>step {event} ")
    go(tab, "Timeline")
    for chart in ("map", "events", "step_sizes"):
        wait_for_ring(tab, chart)
    tab.wait_for_url(f"item={item}").wait_for_url(f"event={event}").wait_for_url("time=20")
    assert marks(tab, "List by") == ["●"]
    go(tab, "What-if")
    tab.wait_for_url(f"item={item}").wait_for_url(f"event={event}")
    assert f"● {event}" in marks(tab, "History of")
    assert marks(tab, "Both lists") == ["●"]
    go(tab, "Compare")
    tab.wait_for_url(f"item={item}").wait_for_url(f"event={event}")
    tab.page.locator(".st-key-pick_changes .main-svg").first.wait_for()
    assert "●" in marks(tab, "Moves and their causes")
    go(tab, "Explain")
    tab.wait_for_url(f"item={item}").wait_for_url(f"event={event}")
    assert tab.page.wait_for_function(BOLD).json_value().startswith(f"<b>step {event} ")
