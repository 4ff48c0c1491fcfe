"""A strategy in a real browser: saved on Quality, then a column of Compare."""

from __future__ import annotations


def test_a_strategy_is_saved_and_used_in_compare(tab, busy_user) -> None:
    tab.open(f"/quality?corpus=demo&user={busy_user}&time=20&quality_tab=Strategy")
    page = tab.page
    page.get_by_role("textbox", name="Name", exact=True).fill("varied")
    slider = page.get_by_role("slider", name="Diversity")
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.get_by_role("textbox", name="Why", exact=True).fill("lists are too much alike")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="varied beside the joint").click()
    tab.wait_for_url("columns=")
    page.wait_for_function(
        """() => document.querySelector('.st-key-pick_flow .js-plotly-plot')
            ?._fullLayout?.annotations.some(note => note.text.includes('varied'))"""
    )
    assert "recommender=varied" in page.url or "recommender%3Dvaried" in page.url
    tab.idle()
