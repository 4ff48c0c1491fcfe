"""Pages in the language of the browser, of a link, or of the picker."""

from __future__ import annotations

import re

from core.corpus.store import Library
from tests.english import english

SEEN = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) {
        const place = walker.currentNode.parentElement;
        if (!place.closest('script, style, noscript, [data-testid=stFileUploader]') &&
            place.getClientRects().length)
            texts.push(walker.currentNode.nodeValue);
    }
    for (const place of document.querySelectorAll('[aria-label], [placeholder]'))
        if (!place.closest('[data-testid=stFileUploader], .modebar, [aria-label=Open], ' +
                           '[aria-label^=Remove]'))
            texts.push(place.getAttribute('placeholder') || place.getAttribute('aria-label'));
    return texts;
}"""
NEXT = (
    "用户",
    "用户群",
    "质量",
    "监控",
    "时间线",
    "解释",
    "假设分析",
    "对比",
    "笔记本",
    "数据与模型",
)
"""The menu after its first page. Streamlit's own words (uploader, lists, tags) have no language."""


def test_every_page_is_chinese_in_a_chinese_browser(open_tab, busy_user) -> None:
    demo = Library.open().corpus("demo")
    tab = open_tab(locale="zh-CN")
    tab.open(f"/?corpus=demo&user={busy_user}&time=12")
    data = {demo.title(item) for item in demo.item_ids}
    data |= {words for event in demo.history(busy_user).events if (words := event.text)}
    card = (Library.open().model_folder("demo") / "README.md").read_text()
    data |= {line for line in card.splitlines() if len(line) > 3}
    found = {}
    for name in ("总览", *NEXT):
        link = tab.page.get_by_test_id("stSidebarNavLink").filter(has_text=re.compile(f"{name}$"))
        link.click()
        tab.settle()
        tab.page.get_by_role("heading", level=1).filter(has_text="？").wait_for()
        tab.settle()
        found[name] = english(tab.page.evaluate(SEEN), data=data)
    assert not {name: said for name, said in found.items() if said}


def test_the_language_is_picked_and_linked_to(open_tab) -> None:
    tab = open_tab().open("/users?corpus=demo")
    tab.page.get_by_role("heading", name="Whom should I look at?").wait_for()
    tab.choose("Language · 语言", "简体中文")
    tab.page.get_by_role("heading", name="该看哪些用户？").wait_for()
    tab.wait_for_url("lang=zh")
    tab.page.get_by_test_id("stSidebarNavLink").filter(has_text="时间线").click()
    tab.wait_for_url("/timeline")
    assert "lang=zh" in tab.page.url
    other = open_tab(locale="en-GB").follow(tab.page.url)
    other.page.get_by_role("heading", name="该用户的兴趣如何演变？").wait_for()
    other.choose("Language · 语言", "English")
    other.page.get_by_role("heading", name="How did this user's interest evolve?").wait_for()
