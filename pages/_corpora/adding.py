"""Files become a corpus: how they are read, what can be put right, and the import."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st
from pandas import DataFrame

from core import jobs
from core.corpus.appending import append_files
from core.corpus.earlier import as_before
from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.previewing import Preview
from core.corpus.questions import Asked
from core.corpus.store import DEMO
from core.domain import Columns, DomainError
from core.views import corpora as view
from core.views import imports as words
from core.views.wording import capital
from pages._corpora import correcting, paths, said, uploads
from pages._shared import drawing, loaders, notices, state

WAYS = {(UPLOAD := "drop"): "Drop a file", "path": "Path on this machine"}
IMPORTED = "import_job"
"""The import that this session started last."""


def draw_import() -> None:
    """Drop or path; then how it is read, what is open or lost, corrections, and the import."""
    st.subheader("Add a file", anchor=False)
    notices.caution(
        "Reviews, ratings, clicks or purchases: CSV and other tables, JSON, Parquet, Excel, and "
        "published data sets (Amazon, MovieLens, RecBole, Goodreads, Yelp, Steam and more); also "
        "as .gz. It stays on this machine."
    )
    events, items = choose_files()
    if not events and items is None:
        return
    said.begin([*events, *([items] if items else [])])
    with st.container(horizontal=True, gap="small"):
        grown = draw_append()
        if grown is None and events:
            draw_like()
    if not events:
        draw_items_alone(items, grown)
        return
    own = options = said.options()
    name = grown or view.name_for(events)
    preview: Preview | None = None
    try:
        if grown is not None:
            manifest = loaders.library().manifest(grown)
            options, notes = as_before(manifest, events, items, own)
            scale = options.rating_scale or manifest.rating_scale
            options = options.model_copy(update={"rating_scale": scale})
            for note in notes:
                notices.caution(f"{capital(note)}.")
        preview = loaders.preview(events, items, options, name)
    except Asked as asked:
        correcting.draw_question(asked.question, None)
    except DomainError as error:
        where = uploads.without_folder(error.where)
        notices.show_error(DomainError(error.what, where=where, remedy=error.remedy))
    if problem := state.get(said.PROBLEM):
        st.error(notices.escape(str(problem)), icon=":material/error:")
    if preview is not None:
        draw_preview(preview)
    draw_corrections(options, preview)
    if preview is None or preview.question is not None:
        return
    if grown is not None:
        start_append(events, items, own, grown)
    else:
        start_import(events, items, options, name)


def choose_files() -> tuple[list[Path], Path | None]:
    """Event files, and the file that describes items where there is one."""
    how = drawing.choose("Where is it?", "import_how", WAYS, hides_label=True)
    left, right = st.columns([3, 2])
    if how == UPLOAD:
        events_key, items_key = (uploads.key(name, IMPORTED) for name in ("events", "items"))
        dropped = left.file_uploader(
            "Events: reviews, ratings, clicks", accept_multiple_files=True, key=events_key
        )
        described = right.file_uploader("Items (optional): titles, categories", key=items_key)
        items = uploads.keep("items", [described] if described else [])
        return uploads.keep("events", dropped), items[0] if items else None
    typed = left.text_input("Path of the events file or folder", key="import_path").strip()
    named = right.text_input("Path of the items file (optional)", key="import_items_path").strip()
    try:
        return [paths.allowed(typed)] if typed else [], paths.allowed(named) if named else None
    except DomainError as error:
        notices.show_error(error)
        return [], None


def draw_append() -> str | None:
    """The corpus to add the files to, where there is one and one was chosen."""
    names = [each.name for each in loaders.library().corpora() if each.name != DEMO]
    if not names:
        return None
    chosen = st.selectbox(
        "Add to the corpus",
        names,
        index=None,
        key=said.APPEND,
        placeholder="none, make a new one",
        help="New events, users and items are added, known rows are counted as duplicates, and an "
        "items file corrects what is known of its items. Files are read as the earlier ones were.",
        width=280,
    )
    return str(chosen) if chosen is not None else None


def draw_items_alone(items: Path | None, grown: str | None) -> None:
    """A file of items without events corrects those of a corpus."""
    if grown is None:
        notices.caution(
            "A file of items alone corrects and adds items of a corpus: choose it above."
        )
    else:
        start_append([], items, said.options(), grown)


def start_append(events: list[Path], items: Path | None, options: ImportOptions, name: str) -> None:
    """Add the files to a corpus; the same as a command line."""
    pressed = st.button(
        f"Add to {notices.escape(name)}", key="import_add", type="primary", icon=":material/add:"
    )
    shown = shown_path(items) if items else None
    draw_command(options.command([*map(shown_path, events)], shown, name, append=True))
    if pressed:
        library, taken = loaders.library(), uploads.Taken()
        files = [taken.take(path) for path in events], taken.take(items) if items else None
        work = partial(append_files, library, name, *files, options)
        state.put(IMPORTED, jobs.start("import", name, taken.until_done(work)))
        st.rerun()


def draw_command(command: str) -> None:
    """The command line that does the same."""
    st.caption("The same as a command")
    st.code(command, language="bash", wrap_lines=True)


def draw_like() -> None:
    """A corpus whose files had the same shape: its options answer every question."""
    manifests = loaders.library().corpora()
    names = [manifest.name for manifest in manifests if manifest.options is not None]
    if names:
        st.selectbox(
            "Read it like the files of",
            names,
            index=None,
            key=said.LIKE,
            placeholder="no other corpus",
            width=280,
        )


def draw_preview(preview: Preview) -> None:
    """How the files are read, the rows as they are understood, and what would be lost."""
    drawing.table(words.readings_table(preview), "How each file is read", height="auto")
    if preview.question is not None:
        correcting.draw_question(preview.question, preview)
    else:
        notices.say(f"{words.reading_sentence(preview)} {words.loss_sentence(preview)}")
        rows = preview.rows
        if preview.options.order_as_time:
            rows = rows.drop(columns=Columns.Time)
        draw_rows(rows, "First rows as the import would read them")
    match = words.match_sentence(preview.items_matched, preview.unmatched)
    for sentence in (match, words.unused_sentence(preview.unused_columns), *preview.notes):
        if sentence:
            notices.caution(sentence)
    if len(preview.item_rows):
        with st.expander("First items as the import would read them"):
            draw_rows(preview.item_rows, "First items as the import would read them")
    if preview.problems:
        with st.expander("Rows that would be refused"):
            rows = view.refused_table(preview.problems)
            drawing.table(rows, "Rows that would be refused, with the reason", height="auto")
    if preview.dropped:
        with st.expander("Values that would be left out"):
            rows = view.refused_table(preview.dropped)
            drawing.table(rows, "Values that would be left out, with the reason", height="auto")


def draw_rows(rows: DataFrame, alt: str) -> None:
    """Rows without the columns that none of them has."""
    drawing.table(rows.dropna(axis="columns", how="all"), alt, height=220)


def draw_corrections(options: ImportOptions, preview: Preview | None) -> None:
    """Columns, the reading, kinds and the lines as they stand; each can be put right."""
    if preview is not None and preview.columns:
        asks = preview.question is not None and preview.question.option == "mapping"
        is_open = asks or not all(file.header for file in preview.files)
        expander = st.expander(
            "Columns", icon=":material/table_chart:", expanded=is_open, key="mapping"
        )
        with expander, st.grid(4, gap="small"):
            correcting.draw_columns(preview, options.mapping)
    asks_kinds = preview is not None and preview.question and preview.question.option == "kinds"
    if preview is not None and preview.kind_words and not asks_kinds:
        with (
            st.expander("Kinds of events", icon=":material/category:", key="kinds"),
            st.container(horizontal=True, gap="small"),
        ):
            correcting.draw_kinds(preview)
    is_open = preview is None or preview.question is not None
    with st.expander("How it is read", icon=":material/tune:", expanded=is_open, key="reading"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            correcting.draw_reading(options, preview)
        if preview is not None:
            for file in preview.files:
                st.caption(notices.escape(f"First lines of {file.file} as they stand"))
                st.code("\n".join(file.lines), language=None)
        if said.all_said():
            drawing.button("Forget my corrections", "forget_said", said.forget, icon="undo")


def start_import(
    events: list[Path], items: Path | None, options: ImportOptions, suggested: str
) -> None:
    """Name it and go; the same as a command line."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label, key = "Name of the corpus", f"name_{suggested}"
        name = st.text_input(label, value=suggested, key=key, width=280)
        pressed = st.button("Import", type="primary", icon=":material/download:")
    shown = [shown_path(path) for path in events]
    draw_command(options.command(shown, shown_path(items) if items else None, name))
    if pressed:
        library, taken = loaders.library(), uploads.Taken()
        files = [taken.take(path) for path in events], taken.take(items) if items else None
        work = partial(import_files, library, name, *files, options)
        state.put(IMPORTED, jobs.start("import", name, taken.until_done(work)))
        st.rerun()


def shown_path(path: Path) -> Path:
    """A dropped file by its name, as nobody knows the folder where it is kept."""
    return Path(path.name) if uploads.is_kept(path) else path
