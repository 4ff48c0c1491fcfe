"""The page Data and models: a file in, its columns said, the import run, the result used."""

from __future__ import annotations

import time

import pytest

from core import jobs
from core.evaluate.importing_lists import import_lists
from core.evaluate.served import lists_path

CORPORA = "pages/corpora.py"
ROWS = "who,what,moment,stars\n" + "".join(
    f"u{at % 9},i{at % 5},{1_700_000_000 + at * 3600},{1 + at % 5}\n" for at in range(60)
)


def finish(app):
    """Wait for all jobs, then draw again."""
    end = time.monotonic() + 30
    while any(job.state == "running" for job in jobs.jobs()) and time.monotonic() < end:
        time.sleep(0.02)
    return app.run()


@pytest.fixture
def dropped(open_app, shop):
    """The page with a file whose columns can't be guessed."""
    app = open_app(CORPORA)
    app.file_uploader(key="import_events").upload("My file.csv", ROWS.encode()).run()
    return app


def test_the_library_is_listed(open_app, shop) -> None:
    table = open_app(CORPORA).dataframe[0].value
    assert list(table["name"]) == ["shop"]
    assert list(table["events"]) == [120]


def test_a_file_that_is_not_understood_asks_for_its_columns(dropped) -> None:
    assert not dropped.exception
    assert any("Choose the columns below" in text.value for text in dropped.text)
    assert dropped.selectbox(key="map_user_id").options == [
        "not used",
        "who",
        "what",
        "moment",
        "stars",
    ]


def test_said_columns_are_previewed_and_imported(dropped) -> None:
    for field, column in (("user_id", "who"), ("item_id", "what"), ("timestamp", "moment")):
        dropped.selectbox(key=f"map_{field}").select(column).run()
    assert dropped.selectbox(key="map_rating").value == "stars"
    assert any("0 rows of the first 60 would be refused" in text.value for text in dropped.text)
    next(button for button in dropped.button if button.label == "Import").click().run()
    finish(dropped)
    assert any("Imported 60 of 60 rows: 9 users, 5 items." in text.value for text in dropped.text)
    used = [button for button in dropped.button if button.label == "Use it"]
    used[-1].click().run()
    assert not dropped.exception
    assert dropped.query_params["corpus"] == "my-file"


def test_a_name_that_cannot_be_is_refused_in_words(dropped) -> None:
    for field, column in (("user_id", "who"), ("item_id", "what"), ("timestamp", "moment")):
        dropped.selectbox(key=f"map_{field}").select(column).run()
    dropped.text_input(key="name_my-file").set_value("../up").run()
    next(button for button in dropped.button if button.label == "Import").click().run()
    finish(dropped)
    assert not dropped.exception
    said = " ".join(element.value for element in dropped.markdown).replace("\\", "")
    assert "'../up' cannot be a corpus name" in said


def test_a_path_that_is_not_there_is_told(open_app, shop) -> None:
    app = open_app(CORPORA)
    app.session_state["import_how"] = "Path on this machine"
    app.run()
    app.text_input(key="import_path").set_value("/no/such/file.csv").run()
    assert not app.exception
    said = " ".join(element.value for element in [*app.markdown, *app.caption])
    assert "no/such/file" in said.replace("\\", "")


def test_a_training_can_be_started_and_stopped(open_app, shop) -> None:
    app = open_app(CORPORA, corpus="shop")
    next(button for button in app.button if button.label == "Train a model").click().run()
    job = next(job for job in jobs.jobs() if job.kind == "train" and job.target == "shop")
    app.button(key=f"stop{job.number}").click().run()
    finish(app)
    assert job.state == "stopped"
    assert any("Stopped" in text.value for text in app.text)
    assert not shop.model_folders("shop")


def test_lists_of_other_content_and_damaged_ones_are_said(open_app, shop, tmp_path) -> None:
    corpus, served = shop.corpus("shop"), tmp_path / "lists.csv"
    user = corpus.user_ids[0]
    event = corpus.history(user).events[0]
    served.write_text(
        f"user_id,timestamp,rank,item_id\n{user},{event.timestamp.isoformat()},1,{event.item_id}\n"
    )
    import_lists(corpus, shop, served, "production")
    lists_path(shop, "shop", "broken").write_bytes(b"PAR1 nonsense")
    captions = [caption.value for caption in open_app(CORPORA).caption]
    assert any("file is damaged" in said and "broken" in said for said in captions)
    assert not any("corpus has changed" in said for said in captions)
    shop.write("shop", corpus.events.iloc[:-1], corpus.items, rating_scale=(1.0, 5.0))
    captions = [caption.value for caption in open_app(CORPORA).caption]
    assert any("corpus has changed" in said and "production" in said for said in captions)
