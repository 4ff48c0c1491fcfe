"""Words from files stay words, whatever Markdown makes of them."""

from __future__ import annotations

import pytest

from pages._shared.notices import escape


@pytest.mark.parametrize(
    "text", ["https://evil.example", "HTTP://x.y", "www.evil.example", "a@b.c"]
)
def test_bare_addresses_cannot_become_links(text: str) -> None:
    """What Streamlit's Markdown sees after its escapes holds no address in one piece."""
    seen = escape(text).replace("\\", "")
    assert text not in seen
    assert seen.replace("\u2060", "") == text


def test_lines_cannot_become_headings() -> None:
    assert escape("x\r===\n# y") == "x \\=\\=\\= \\# y"
