"""Sign-in against a real OpenID provider: in, the wrong role, an ended session, and out again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import IDLE, PROJECT, free_port, wait_until_healthy
from tests.browser.provider import CLIENT, SECRET, Provider, running

ROLES = """
[editors]
emails = ["ann@example.com"]
[viewers]
domains = ["example.com"]
"""
UPLOAD = """async () => {
    const answer = await fetch("/_stcore/upload_file/nobody/f0", {method: "PUT", body: "x"});
    return [answer.status, await answer.text()];
}"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def team(provider: Provider, tmp_path: Path) -> Iterator[str]:
    """The address of an app where people sign in."""
    address, log = f"http://127.0.0.1:{free_port()}", tmp_path / "log.txt"
    settings = {
        "redirect_uri": f"{address}/oauth2callback",
        "cookie_secret": "x" * 32,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "server_metadata_url": f"{provider.issuer}/.well-known/openid-configuration",
    }
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        "[auth]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items())
    )
    (tmp_path / "library").mkdir()
    (tmp_path / "library/access.toml").write_text(ROLES)
    words = ["-m", "streamlit", "run", "app.py", "--server.headless=true"]
    words += [f"--server.port={address.rpartition(':')[2]}", f"--secrets.files={secrets}"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=PROJECT,
            env=os.environ | {"TASTELINES_LIBRARY": str(tmp_path / "library")},
            stdout=out,
            stderr=out,
        )
        try:
            wait_until_healthy(address, process, str(log))
            yield address
        finally:
            process.terminate()
            process.wait(30)


def enter(page: Page, provider: Provider, **person: object) -> None:
    """Sign in as somebody, from the page that strangers see."""
    provider.person = person
    page.get_by_role("button", name="Sign in", exact=True).click()


def leave(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_who_signs_in_gets_their_role_and_nobody_else_gets_in(
    context, team: str, provider: Provider
) -> None:
    page = context().new_page()
    page.goto(f"{team}/notebook")
    expect(page.get_by_text("Sign in to see the library.")).to_be_visible()
    assert page.get_by_role("combobox", name="Corpus").count() == 0
    assert page.get_by_role("link", name="Users").count() == 0
    assert page.evaluate(UPLOAD) == [403, "Sign in to upload files.\n"]

    enter(page, provider, email="mal@elsewhere.org")
    expect(page.get_by_text("There is no role for")).to_be_visible()
    assert page.evaluate(UPLOAD)[0] == 403
    assert page.get_by_role("combobox", name="Corpus").count() == 0
    leave(page)

    enter(page, provider, email="ann@example.com", iat=int(time.time()) - 13 * 3600)
    expect(page.get_by_text("Your sign-in has ended")).to_be_visible()

    enter(page, provider, email="vic@example.com")
    expect(page.get_by_text("example.com · viewer")).to_be_visible()
    page.goto(f"{team}/corpora")
    expect(page.get_by_text("Importing, training and deleting are for editors.")).to_be_visible()
    page.wait_for_selector(IDLE)
    assert page.get_by_test_id("stFileUploader").count() == 0
    leave(page)

    enter(page, provider, email="Ann@example.com")
    expect(page.get_by_text("example.com · editor")).to_be_visible()
    page.goto(f"{team}/corpora")
    expect(page.get_by_role("button", name="Train a model")).to_be_visible()
    assert "Sign in" not in page.evaluate(UPLOAD)[1]
    leave(page)
    page.close()
