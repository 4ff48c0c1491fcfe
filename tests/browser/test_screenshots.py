"""Pictures of every page for the README, in docs/screenshots when TASTELINES_SCREENSHOTS=1."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
KEEPS = os.environ.get("TASTELINES_SCREENSHOTS") == "1"
USER = "corpus=demo&user={user}&time=2022-12-31"
SHOTS = [
    ("overview", "/?corpus=demo", 1440, 900),
    ("timeline", f"/timeline?{USER}", 1440, 960),
    ("data-and-models", "/corpora?corpus=demo", 1440, 900),
]
"""What every run of the tests pictures."""
MORE = [
    ("users", "/users?corpus=demo", 1440, 900),
    ("cohorts", "/cohorts?corpus=demo", 1440, 960),
    ("quality", "/quality?corpus=demo", 1440, 900),
    ("explain", f"/explain?{USER}", 1440, 960),
    ("what-if", f"/what_if?{USER}", 1440, 960),
    ("compare", f"/compare?{USER}", 1440, 960),
    ("monitor", "/monitor?corpus=demo&monitor_since=2024-10-01", 1440, 960),
    ("notebook", "/notebook?corpus=demo", 1440, 900),
    ("timeline-zh", f"/timeline?{USER}&lang=zh", 1440, 960),
]
"""Pages that are pictured for the README only, in the light theme."""
SHOTS += MORE if KEEPS else []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where pictures go."""
    if KEEPS:
        target = PROJECT / "docs" / "screenshots"
        target.mkdir(parents=True, exist_ok=True)
        return target
    return tmp_path


def keep_findings(tab, user: str) -> None:
    """Two findings, so that the notebook's picture shows some."""
    for page in ("compare", "timeline"):
        tab.open(f"/{page}?{USER.format(user=user)}").idle()
        tab.page.get_by_role("button", name="Keep finding").click()
        tab.page.get_by_role("button", name="Keep", exact=True).click()
        tab.page.get_by_text("Kept: ").wait_for()
        tab.idle()


@pytest.mark.parametrize("theme", ["light", "dark"] if KEEPS else ["light"])
@pytest.mark.parametrize(("name", "path", "width", "height"), SHOTS, ids=[s[0] for s in SHOTS])
def test_a_page_can_be_pictured(
    open_tab, busy_user, folder: Path, name, path, width, height, theme
) -> None:
    if theme == "dark" and any(name == shot[0] for shot in MORE):
        pytest.skip("light only")
    tab = open_tab(**({"color_scheme": "dark"} if theme == "dark" else {}))
    tab.page.set_viewport_size({"width": width, "height": height})
    if name == "notebook":
        keep_findings(tab, busy_user)
    tab.open(path.format(user=busy_user))
    if name == "timeline":
        tab.drawn("step_sizes")
    tab.page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
    tab.idle().page.wait_for_timeout(6_000 if KEEPS else 800)
    tab.idle()
    picture = folder / (f"{name}.png" if theme == "light" else f"{name}-dark.png")
    tab.page.screenshot(path=picture)
    assert picture.stat().st_size > 20_000
    if KEEPS:  # a palette makes a third of the bytes
        Image.open(picture).convert("RGB").quantize(256).save(picture, optimize=True)
