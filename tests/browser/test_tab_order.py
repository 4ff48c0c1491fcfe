"""The Tab key alone reaches every control of a page, in the page's order, and shows where it is."""

from __future__ import annotations

import os

import pytest

PAGES = (
    *("", "users", "quality", "monitor"),
    *("timeline", "explain", "what_if", "compare", "notebook", "corpora"),
)
SAMPLE = ("timeline", "what_if")
"""Pages of a usual run."""
MOST = 150
"""Presses after which Tab is in a trap."""
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"
WATCH = """() => {
    const parts = ['outline', 'boxShadow', 'borderTopColor', 'backgroundColor', 'color',
                   'textDecorationLine'];
    const look = (place) => {
        const looks = [];
        const near = [...place.querySelectorAll('*')].slice(0, 8);
        for (let at = place, up = 0; at && up < 5; at = at.parentElement, up += 1) near.push(at);
        for (const at of near) for (const pseudo of [null, '::before', '::after']) {
            const style = getComputedStyle(at, pseudo);
            looks.push(parts.map(part => style[part]).join('|'));
        }
        return looks.join('\\n');
    };
    const isSeen = (place) => {
        const box = place.getBoundingClientRect(), style = getComputedStyle(place);
        return box.width > 0 && box.height > 0 && style.visibility !== 'hidden';
    };
    const name = (place) => place.getAttribute('aria-label') || place.innerText?.trim()
        || place.closest('[class*=st-key-]')?.className.match(/st-key-\\S+/)?.[0] || place.tagName;
    const walk = window.walk = { been: [], unseen: [], backward: [] };
    // Streamlit leaves inputs of file uploaders and of grids to their own buttons and canvases.
    walk.wanted = () => [...document.querySelectorAll(
        'button, a[href], input, textarea, summary, [role=slider], [role=combobox]')]
        .filter(place => place.tabIndex >= 0 && !place.disabled && isSeen(place))
        .filter(place => !place.closest('[aria-hidden=true], [data-testid=stDataFrame]'))
        .filter(place => place.type !== 'radio' && place.getAttribute('role') !== 'radio'
            || place.tabIndex === 0 && place.getAttribute('aria-checked') !== 'false'
            && place.checked !== false);
    walk.rest = new Map(walk.wanted().map(place => [place, look(place)]));
    walk.step = () => {
        const now = document.activeElement;
        if (now !== document.body && !walk.been.includes(now)) {
            if (walk.rest.get(now) === look(now)) walk.unseen.push(name(now));
            const before = walk.been.at(-1);
            if (before && before.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_PRECEDING)
                walk.backward.push(`${name(before)} → ${name(now)}`);
        }
        if (now === document.body || walk.been.includes(now)) return false;
        walk.been.push(now);
        return true;
    };
    walk.missed = () => walk.wanted().filter(place => !walk.been.some(
        seen => seen === place || seen.contains(place) || place.contains(seen))).map(name);
}"""


@pytest.mark.parametrize("page", PAGES if "TASTELINES_THOROUGH" in os.environ else SAMPLE)
def test_tab_reaches_every_control_in_order_and_is_seen(tab, busy_user, page: str) -> None:
    tab.page.set_viewport_size({"width": 1440, "height": 1000})
    tab.open(f"/{page}?corpus=demo&user={busy_user}&time=6")
    tab.page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
    tab.page.wait_for_function(
        "() => !/Computing|Reading it|Testing the/.test(document.body.innerText)", timeout=120_000
    )
    tab.settle()
    tab.page.add_style_tag(content=STILL)
    tab.page.evaluate(WATCH)
    for _ in range(MOST):
        tab.page.keyboard.press("Tab")
        if not tab.page.evaluate("walk.step()"):
            break
    else:
        pytest.fail(f"Tab never leaves: {tab.page.evaluate('walk.been.length')} stops")
    assert not tab.page.evaluate("walk.missed()")
    assert not tab.page.evaluate("walk.unseen")
    assert not tab.page.evaluate("walk.backward")
