"""axe-core on every page, dark (TASTELINES_THOROUGH: also light): nothing serious is ours."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.base import AXE_SCRIPT

STREAMLITS_OWN = {
    # The menu's groups are <div>s between its <ul> and its <li>s.
    "list": ["[data-testid=stSidebarNavItems]"],
    "listitem": ["[data-testid=stSidebarNavItems]"],
    # On the primary colour, labels of buttons and chosen options are white in both themes, and no
    # theme can set that. A primary colour dark enough for white would be too dark for words in
    # that colour on the dark ground.
    "color-contrast": [
        "[data-testid^=stBaseButton-primary]",
        "[data-testid=stMultiSelect]",
    ],
}
"""Rules that Streamlit 1.67 breaks itself, each with the selectors of where."""
SCHEMES = ["light", "dark"] if "TASTELINES_THOROUGH" in os.environ else ["dark"]
RUN = """async own => {
    const {violations} = await axe.run({resultTypes: ["violations"]});
    const isOwn = (rule, node) => (own[rule] || []).some(selector =>
        document.querySelector([node.target[0]].flat()[0])?.closest(selector));
    return violations.filter(each => ["serious", "critical"].includes(each.impact)).flatMap(
        each => each.nodes.filter(node => !isOwn(each.id, node)).map(
            node => `${each.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_serious_or_critical(open_tab, busy_user, scheme: str) -> None:
    tab = open_tab(color_scheme=scheme)
    tab.open(f"/?corpus=demo&user={busy_user}&time=12")
    tab.page.evaluate(AXE_SCRIPT)
    menu = tab.page.get_by_test_id("stSidebarNavLink")
    found = {}
    for number in range(menu.count()):
        menu.nth(number).click()
        name = menu.nth(number).inner_text().split("\n")[-1]
        tab.settle()
        if name == "Explain":
            tab.page.get_by_text("Computing parts").wait_for(state="hidden")
        tab.settle()
        found[name] = tab.page.evaluate(RUN, STREAMLITS_OWN)
    tab.page.keyboard.press("Control+k")
    tab.page.get_by_label("User, item, page or command").wait_for()
    found["the palette"] = tab.page.evaluate(RUN, STREAMLITS_OWN)
    assert len(found) > 8
    assert not {name: faults for name, faults in found.items() if faults}
