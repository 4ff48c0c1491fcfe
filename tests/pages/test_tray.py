"""Jobs in the sidebar: on every page, in every session, with Stop, their end and the way to it."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

from core import jobs
from core.access import Role
from core.domain import DomainError, Stopped
from core.progress import Progress, check_stop
from core.records import Facts, Record
from pages._shared import state, tray

PAGES = Path(__file__).resolve().parents[2] / "pages"


def sidebar(app) -> str:
    """All words of the sidebar, without the escapes of Markdown."""
    said = [getattr(element, "label", "") or "" for element in app.sidebar.button]
    said += [bar.proto.text for bar in app.sidebar.get("progress")]
    return " ".join(said).replace("\\", "")


def end(job: jobs.Job) -> None:
    job.future.exception(timeout=10)


@pytest.fixture
def slow():
    """A training that goes on until it is stopped or let go."""
    go = threading.Event()

    def work(progress, stop):
        progress(Progress("Encoding texts", 1, 4, seconds_left=30))
        while not go.wait(0.01):
            check_stop(stop)
        return Path("made")

    yield work, go
    go.set()


def test_every_kind_of_job_that_pages_start_has_its_words() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES.rglob("*.py"))
    started = set(re.findall(r"(?:jobs\.start|working\.offer)\(\s*\"(\w+)\"", text))
    assert started >= {"import", "train", "evaluate", "turnover"}
    assert started | {"turns", "states", "second_map", "atlas"} == set(tray.KINDS)


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("[a-z]*.py")))
def test_a_running_job_is_on_every_page(open_app, shop, slow, page: str) -> None:
    job = jobs.start("train", "shop", slow[0])
    app = open_app(f"pages/{page}", corpus="shop")  # as after a reload: another session
    assert not app.exception
    said = sidebar(app)
    assert "Training on shop" in said and "25\u202f%" in said and "about 30 s left" in said
    app.button(key=f"tray_stop{job.number}").click().run()
    end(job)
    assert job.state == "stopped"
    assert "Stopped: Training on shop" in sidebar(app.run())


def test_an_end_is_told_until_it_is_looked_at_or_put_away(open_app, shop) -> None:
    end(jobs.start("import", "shop", lambda progress, stop: None))
    app = open_app("pages/users.py")
    assert "The corpus shop is ready" in sidebar(app)
    number = jobs.jobs("import")[0].number
    app.button(key=f"tray_close{number}").click().run()
    assert "ready" not in sidebar(app)
    assert "ready" not in sidebar(open_app("pages/overview.py"))


def test_why_one_failed_is_told(open_app, shop) -> None:
    def work(progress, stop):
        raise DomainError("the disk is full", where="/library", remedy="Make space")

    job = jobs.start("evaluate", "shop 0a temporal", work)
    end(job)
    app = open_app("pages/users.py")
    assert "Failed: Evaluation on shop" in sidebar(app)
    assert app.button(key=f"tray_open{job.number}").help.endswith("the disk is full")


def test_a_job_of_another_server_is_shown_stopped_and_put_away(open_app, shop) -> None:
    target = "shop 0a temporal"
    facts = Facts(kind="evaluate", target=target, role=Role.EDITOR, since=0)
    record = Record.begin(shop.root, facts)
    record.append(progress=Progress("Fold 1 of 3", 1, 4))
    app = open_app("pages/users.py")
    assert "Evaluation on shop" in sidebar(app) and "25\u202f%" in sidebar(app)
    job = jobs.find("evaluate", target)
    app.button(key=f"tray_stop{job.number}").click().run()
    end_of_patience = time.monotonic() + 60
    while not record.is_stopping and time.monotonic() < end_of_patience:
        time.sleep(0.02)
        record.look()
    assert record.is_stopping
    record.close(Stopped(), 1.0)
    end(job)
    assert "Stopped: Evaluation on shop" in sidebar(app.run())
    app.button(key=f"tray_close{job.number}").click().run()
    record.look()
    assert record.is_put_away and "Stopped" not in sidebar(app)


def test_a_what_if_opens_with_its_cohort(monkeypatch) -> None:
    opened: dict[str, str | None] = {}
    monkeypatch.setattr(tray.controls, "open_page", lambda page, **values: opened.update(values))
    link = state.cohort_of(state.COHORTS_AREA, "1,1 2,2 3,1")
    target = "demo 0a joint do=delete 00"
    job = jobs.start("what_if", target, lambda progress, stop: None, link=link)
    end(job)
    tray.open_job(job)
    about = {"corpus": "demo", "model": "0a", "recommender": "joint"}
    assert opened == {**about, "cohorts_pattern": "do=delete"} | link
    assert job.is_put_away
