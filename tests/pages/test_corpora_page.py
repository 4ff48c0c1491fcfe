"""The page Data and models: a file in, its columns said, the import run, the result used."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import pytest
from streamlit.runtime import caching

from core import jobs
from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.domain import DomainError
from core.evaluate.importing_lists import import_lists
from core.evaluate.served import lists_path
from pages._corpora import paths, uploads

CORPORA = "pages/corpora.py"
UPDATE = "Update the model"
ROWS = "who,what,moment,stars\n" + "".join(
    f"u{at % 9},i{at % 5},{1_700_000_000 + at * 3600},{1 + at % 5}\n" for at in range(60)
)


def finish(app):
    """Wait for all jobs, then draw again."""
    end = time.monotonic() + 30
    while any(job.state == "running" for job in jobs.jobs()) and time.monotonic() < end:
        time.sleep(0.02)
    return app.run()


def words(app) -> str:
    """Everything that is said, without the escapes of Markdown."""
    said = [*app.text, *app.markdown, *app.caption]
    return " ".join(element.value for element in said).replace("\\", "")


def press(app, label: str):
    """Click a button by its words."""
    next(button for button in app.button if button.label.replace("\\", "") == label).click()
    return app.run()


@pytest.fixture
def drop(open_app, shop):
    """A function that opens the page with a file dropped, and one of items."""

    def drop(name: str, rows: str | bytes, items: str | None = None):
        app = open_app(CORPORA)
        content = rows if isinstance(rows, bytes) else rows.encode()
        app.file_uploader(key="import_events").upload(name, content).run()
        if items is not None:
            app.file_uploader(key="import_items").upload("items.csv", items.encode()).run()
        assert not app.exception
        return app

    return drop


def rows_of(app):
    """The first rows as the import would read them."""
    return next(frame.value for frame in app.dataframe if "user_id" in frame.value)


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
    assert "No column was found for" in words(dropped)
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


def type_path(open_app, path: str, key: str = "import_path") -> str:
    """What the page says of a typed path."""
    app = open_app(CORPORA)
    app.session_state["import_how"] = "Path on this machine"
    app.run()
    app.text_input(key=key).set_value(path).run()
    assert not app.exception
    said = [*app.markdown, *app.caption, *app.text]
    return " ".join(element.value for element in said).replace("\\", "")


def test_a_path_that_is_not_there_is_told(open_app, shop) -> None:
    path = shop.root / "no/such/file.csv"
    assert "no/such/file" in type_path(open_app, str(path))


def test_the_path_box_reads_below_its_folders_only(
    open_app, shop, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = tmp_path / "mine", tmp_path / "mine-too"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "rows.csv").write_text(ROWS)
    (mine / "link.csv").symlink_to(other / "rows.csv")
    monkeypatch.setenv(paths.FOLDERS, str(mine))
    assert "Which column holds user_id?" in type_path(open_app, str(mine / "rows.csv"))
    for key in ("import_path", "import_items_path"):
        said = type_path(open_app, str(other / "rows.csv"), key)
        assert "may not read files there" in said and "stars" not in said
    outside = ["/etc/passwd", "~/x", "/proc/self/environ", "../x", "/", "", "~nobody-has-this/x"]
    outside += [f"{mine}/../mine-too/rows.csv", str(mine / "link.csv"), str(shop.root)]
    for path in (*outside, "a\0b", "x" * 5000, "\ud800"):
        with pytest.raises(DomainError):
            paths.allowed(path)
    monkeypatch.delenv(paths.FOLDERS)
    assert paths.allowed(str(shop.root / "x.csv")) and paths.allowed("README.md").is_file()


NAMES = [
    "", ".", "..", "...", "../../etc/passwd", "..\\..\\x.csv", "/etc/passwd", "C:\\a\\b.csv",
    "a/", "\\", "a\0b.csv", "\0", "a\nb.csv", "\x1b[2J.csv", "\ud800.csv", "\udfff\ud800",
    "x" * 250, "x" * 251 + ".csv", "x" * 5000 + ".csv.gz", "é" * 200 + ".csv", "🎸" * 80 + ".csv",
    "a." + "x" * 300, ".csv", ".hidden", "a.csv.part", " ", " a .csv ", "\u202ecsv.exe", "CON",
    "a:b*c?.csv", "-rf",
]  # fmt: skip


def is_stored(name: str, folder: Path) -> bool:
    """Whether a file of this name gets one that a file system takes, with the same endings."""
    safe = uploads.safe_name(name)
    path = folder / safe
    path.with_name(f"{safe}.part").write_text(ROWS)
    path.with_name(f"{safe}.part").rename(path)
    same = (safe.endswith(end) or not name.endswith(end) for end in (".csv", ".csv.gz"))
    return path.parent == folder and path.is_file() and safe.isprintable() and all(same)


@pytest.mark.parametrize("name", NAMES)
def test_an_uploaded_file_gets_a_name_that_a_file_system_takes(name: str, tmp_path) -> None:
    assert is_stored(name, tmp_path)


@pytest.mark.parametrize("name", ["../../up.csv", "a\0b.csv", "x" * 300 + ".csv", ".."])
def test_a_file_of_any_name_is_read(open_app, shop, name: str) -> None:
    app = open_app(CORPORA)
    app.file_uploader(key="import_events").upload(name, ROWS.encode()).run()
    assert not app.exception
    assert any("Which column holds user_id?" in text.value for text in app.text)


def on_disk(session: str) -> set[str]:
    """Names of uploaded files below the temporary folders of sessions or imports."""
    folders = Path(tempfile.gettempdir()).glob(f"tastelines-{session}-*")
    return {path.name for folder in folders for path in folder.rglob("*") if path.is_file()}


def end_session() -> None:
    """What Streamlit does when a session ends; all of AppTest have one id."""
    caching.clear_session_resource_cache("test session id")


def test_uploads_are_removed_when_replaced_imported_or_left(
    open_app, shop, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_session()  # that of other tests
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = open_app(CORPORA)
    app.file_uploader(key="import_events").upload("first.csv", ROWS.encode()).run()
    assert on_disk("session") == {"first.csv"}
    rows = ROWS.replace("who,what,moment", "user_id,item_id,timestamp")
    app.file_uploader(key="import_events").set_value([("second.csv", rows.encode(), "text/csv")])
    app.run()
    assert on_disk("session") == {"second.csv"}
    next(button for button in app.button if button.label == "Import").click().run()
    finish(app)
    assert any("Imported 60 of 60 rows" in text.value for text in app.text)
    assert app.run().file_uploader(key="import_events1").value == []
    assert on_disk("session") == on_disk("import") == set()
    app.file_uploader(key="import_events1").upload("third.csv", ROWS.encode()).run()
    assert on_disk("session") == {"third.csv"}
    end_session()
    assert on_disk("session") == set()


def test_a_training_can_be_started_and_stopped(open_app, shop) -> None:
    app = open_app(CORPORA, corpus="shop")
    next(button for button in app.button if button.label == "Train a model").click().run()
    job = next(job for job in jobs.jobs() if job.kind == "train" and job.target == "shop")
    app.button(key=f"stop{job.number}").click().run()
    finish(app)
    assert job.state == "stopped"
    assert any("Stopped" in text.value for text in app.text)
    assert not shop.model_folders("shop")


def test_a_model_of_earlier_content_is_said_and_can_be_updated(open_app, shop, tmp_path) -> None:
    made = shop.models_root("shop") / "0123456789ab"
    made.mkdir(parents=True)
    facts = {"corpus_id": shop.corpus("shop").corpus_id, "created": "2026-01-01T00:00:00+00:00"}
    (made / "config.json").write_text(json.dumps(facts))
    assert not any(button.label == UPDATE for button in open_app(CORPORA, corpus="shop").button)
    more = tmp_path / "more.csv"
    more.write_text("user_id,item_id,timestamp\nu1,i1,2025-02-02\nnew,i1,2025-02-02\n")
    append_files(shop, "shop", [more])
    app = open_app(CORPORA, corpus="shop")
    assert not app.exception
    assert any("made before 2 events were appended" in each.label for each in app.expander)
    assert f"The model {made.name} was made before 2 events were appended (1 new user" in words(app)
    next(button for button in app.button if button.label == UPDATE).click().run()
    finish(app)
    (job,) = [job for job in jobs.jobs("update") if job.target == "shop"]
    assert job.state == "failed"
    assert "The model's config.json can't be read" in words(app)
    app.button(key=f"forget{job.number}").click().run()
    assert not jobs.jobs("update")


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
    more = tmp_path / "more.csv"
    more.write_text("user_id,item_id,timestamp\nu1,i1,2025-02-02\n")
    append_files(shop, "shop", [more])
    captions = [caption.value for caption in open_app(CORPORA).caption]
    assert not any("corpus has changed" in said for said in captions)
    shop.write("shop", corpus.events.iloc[:-1], corpus.items, rating_scale=(1.0, 5.0))
    captions = [caption.value for caption in open_app(CORPORA).caption]
    assert any("corpus has changed" in said and "production" in said for said in captions)


def test_a_file_without_a_header_is_put_right_by_clicks(drop) -> None:
    rows = "".join(
        f"u{n % 7}::i{n % 5}::{1 + n % 5}::{978_300_760 + n * 86_400}\n" for n in range(40)
    )
    app = drop("ratings.dat", rows)
    assert "The first line looks like data" in words(app)
    press(app, "The first line is data")
    press(app, "1 · u0")
    press(app, "2 · i0")
    app.selectbox(key="map_rating").select("3").run()
    assert not app.exception
    shown = rows_of(app)
    assert list(shown["user_id"][:2]) == ["u0", "u1"] and list(shown["rating"][:2]) == [1.0, 2.0]
    command = app.code[-1].value
    assert "ratings.dat" in command and "/" not in command
    assert "--no-header" in command and "--map rating=3" in command
    press(app, "Import")
    finish(app)
    assert "Imported 40 of 40 rows: 7 users, 5 items." in words(app)


def test_words_of_a_kind_are_asked_for_and_can_be_changed(drop) -> None:
    rows = "user_id,item_id,timestamp,action\n" + "".join(
        f"u{n % 7},i{n % 5},{1_700_000_000 + n},{('hover', 'fav', 'buy')[n % 3]}\n"
        for n in range(30)
    )
    app = drop("log.csv", rows)
    assert "hover" in words(app)
    assert not any(button.label == "Import" for button in app.button)
    app.selectbox(key="kind_of_hover").select("view").run()
    assert set(rows_of(app)["kind"]) == {"view", "like", "purchase"}
    assert "--kind hover=view" in app.code[-1].value
    app.selectbox(key="kind_of_fav").select("cart").run()
    assert set(rows_of(app)["kind"]) == {"view", "cart", "purchase"}


@pytest.mark.parametrize(("order", "day", "month"), [("day-first", 9, 1), ("month-first", 1, 9)])
def test_ambiguous_dates_are_asked_for(drop, order: str, day: int, month: int) -> None:
    rows = "user_id,item_id,date\n" + "".join(
        f"u{n % 7},i{n % 5},0{1 + n % 9}/0{1 + n % 8}/2024\n" for n in range(40)
    )
    app = drop("dates.csv", rows)
    press(app, f"Times are {order}")
    written = rows_of(app)["timestamp"][8]  # 09/01/2024
    assert (written.day, written.month, written.year) == (day, month, 2024)
    assert f"--time-format {order}" in app.code[-1].value


def test_an_encoding_is_proposed(drop) -> None:
    rows = "user_id,item_id,timestamp,review\n" + "".join(
        f"u{n % 7},i{n % 5},{1_700_000_000 + n},un café très agréable\n" for n in range(30)
    )
    app = drop("avis.csv", rows.encode("cp1252"))
    assert "The text is not utf-8" in words(app)
    press(app, "Encoding: cp1252")
    assert rows_of(app)["text"][0] == "un café très agréable"
    assert "--encoding cp1252" in app.code[-1].value


def test_a_file_without_times_can_take_its_order(drop) -> None:
    app = drop(
        "order.csv", "user_id,item_id\n" + "".join(f"u{n % 7},i{n % 5}\n" for n in range(30))
    )
    press(app, "There is no time: take the order of the rows")
    assert "timestamp" not in rows_of(app)
    assert "order of the rows as time" in words(app)
    press(app, "Import")
    finish(app)
    assert "no times" in list(app.dataframe[0].value["period"])


def test_a_zero_can_be_a_rating_or_none(drop) -> None:
    rows = "user_id,item_id,timestamp,rating\n" + "".join(
        f"u{n % 7},i{n % 5},{1_700_000_000 + n},{n % 6}\n" for n in range(36)
    )
    app = drop("stars.csv", rows)
    box = app.checkbox(key="import_option_rating_scale_checked")
    before = box.value
    box.set_value(not before).run()
    assert not app.exception
    assert app.checkbox(key="import_option_rating_scale_checked").value is not before
    assert "--rating-scale" in app.code[-1].value
    has_zero = (rows_of(app)["rating"] == 0).any()
    assert has_zero == before


def test_items_that_do_not_match_and_unused_columns_are_said(drop) -> None:
    rows = "user_id,item_id,timestamp,basket_colour\n" + "".join(
        f"u{n % 7},i{n % 5},{1_700_000_000 + n},red{n}\n" for n in range(30)
    )
    app = drop("log.csv", rows, "item_id,title\nx1,Lamp\nx2,Chair\n")
    assert "only 0 % of the events' items" in words(app).replace("\u202f", " ")
    assert "Columns not used: basket_colour (log.csv)." in words(app)


def test_a_wrong_delimiter_is_told_and_taken_back(drop) -> None:
    app = drop("log.csv", "user_id,item_id,timestamp\nu,i,1700000000\n")
    app.selectbox(key="import_option_delimiter").select(";").run()
    assert not app.exception
    assert not any(button.label == "Import" for button in app.button)
    press(app, "Forget my corrections")
    assert list(rows_of(app)["user_id"]) == ["u"]


def test_what_no_option_can_help_is_told_by_name(drop) -> None:
    app = drop("data.zip", "PK\x03\x04 nothing here")
    said = words(app)
    assert "zip" in said.lower() and "tastelines-session" not in said  # where it is kept


def test_a_file_like_an_earlier_one_needs_no_question(drop, open_app) -> None:
    app = drop("one.csv", ROWS)
    for field, column in (("user_id", "who"), ("item_id", "what"), ("timestamp", "moment")):
        app.selectbox(key=f"map_{field}").select(column).run()
    press(app, "Import")
    finish(app)
    app.file_uploader(key="import_events1").upload("two.csv", ROWS.encode()).run()
    assert "No column was found for" in words(app)
    app.selectbox(key="import_like").select("one").run()
    assert "No column was found for" not in words(app)
    assert list(rows_of(app)["user_id"][:2]) == ["u0", "u1"]


def test_what_a_training_cannot_judge_is_said_before_it(open_app, library, tmp_path) -> None:
    path = tmp_path / "few.csv"
    path.write_text(
        "user_id,item_id,timestamp\n"
        + "".join(f"u{n % 9},i{n},{n + 1_700_000_000}\n" for n in range(30))
    )
    import_files(library, "few", [path])
    assert "nobody can be scored" in words(open_app(CORPORA, corpus="few"))


def test_a_dropped_file_is_added_to_a_corpus(drop, shop) -> None:
    old = shop.manifest("shop")
    rows = "user_id,item_id,timestamp,rating,text\n"
    rows += "u1,i1,2024-02-02,3,fine thing 1\nnew,i3,2025-01-01,9,new\nu2,i99,2025-01-02,4,\n"
    app = drop("more.csv", rows)
    assert "ratings from 1 to 10" in words(app)
    app.selectbox(key="import_append").select("shop").run()
    assert "ratings from 1 to 5" in words(app)
    assert "--append" in app.code[-1].value and "/" not in app.code[-1].value
    press(app, "Add to shop")
    finish(app)
    assert "Added to shop: 2 events of 3 rows, 1 new user, 1 new item" in words(app)
    assert "Skipped 1 duplicate" in words(app)
    assert shop.manifest("shop").appends[0].corpus_id == old.corpus_id
    lineage = next(frame.value for frame in app.dataframe if "content" in frame.value)
    assert list(lineage["events"]) == [120, 2]
    assert list(lineage["files"]) == ["shop.csv", "more.csv"]


def test_a_file_of_items_alone_corrects_a_corpus(open_app, shop) -> None:
    app = open_app(CORPORA)
    app.file_uploader(key="import_items").upload("items.csv", b"item_id,title\ni1,Lamp\n").run()
    assert "choose it above" in words(app)
    app.selectbox(key="import_append").select("shop").run()
    press(app, "Add to shop")
    finish(app)
    assert "0 new items; 1 item corrected" in words(app)
    assert shop.corpus("shop").title("i1") == "Lamp"
