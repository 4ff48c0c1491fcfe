"""Files become a corpus: how they are read, what can be put right, and the import."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import overload

import streamlit as st
from pandas import DataFrame

from core import jobs
from core.corpus.appending import append_files
from core.corpus.earlier import as_before
from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.previewing import Preview
from core.corpus.questions import Asked
from core.corpus.spoken import spoken
from core.corpus.store import DEMO
from core.domain import Columns, DomainError
from core.language import mark, tr
from core.views import corpora as view
from core.views import imports as words
from core.views.wording import capital, joined
from pages._corpora import correcting, paths, said, uploads, users_files
from pages._shared import drawing, loaders, notices, state

WAYS = {(UPLOAD := "drop"): mark("Drop a file"), "path": mark("Path on this machine")}
WITHOUT_EVENTS = {
    "items": mark(
        "Without events, a file of items corrects and adds to a corpus: choose it above."
    ),
    "users": mark(
        "Without events, a file of users corrects and adds to a corpus: choose it above."
    ),
    "both": mark(
        "Without events, a file of items and users corrects and adds to a corpus: choose it above."
    ),
}
IMPORTED = "import_job"
"""The import that this session started last."""


def draw_import() -> None:
    """Drop or path; then how it is read, what is open or lost, corrections, and the import."""
    st.subheader(tr("Add a file"), anchor=False)
    notices.caution(
        tr(
            "Reviews, ratings, clicks or purchases: CSV and other tables, JSON, Parquet, Excel, "
            "and published data sets (Amazon, MovieLens, RecBole, Goodreads, Yelp, Steam and "
            "more); also as .gz. It stays on this machine."
        )
    )
    events, items, users = choose_files()
    further = [path for path in (items, users) if path is not None]
    if not events and not further:
        return
    said.begin([*events, *further])
    with st.container(horizontal=True, gap="small"):
        grown = draw_append()
        if grown is None and events:
            draw_like()
    are_users_read = users is None or users_files.draw_preview(users, said.options())
    if not events:
        draw_without_events(items, users, grown, can_start=are_users_read)
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
                notices.caution(tr("{what}.", what=capital(spoken(note))))
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
    if preview is None or preview.question is not None or not are_users_read:
        return
    if grown is not None:
        start_append(events, items, users, own, grown)
    else:
        start_import(events, items, users, options, name)


def choose_files() -> tuple[list[Path], Path | None, Path | None]:
    """Event files, and the files that describe items and users where there are such."""
    how = drawing.choose(tr("Where is it?"), "import_how", WAYS, hides_label=True)
    left, middle, right = st.columns([3, 2, 2])
    if how == UPLOAD:
        slots = ("events", "items", "users")
        keys = {name: uploads.key(name, IMPORTED) for name in slots}
        labels = (
            tr("Events: reviews, ratings, clicks"),
            tr("Items (optional): titles, categories"),
            tr("Users (optional): any attributes"),
        )
        dropped = left.file_uploader(labels[0], accept_multiple_files=True, key=keys["events"])
        described = middle.file_uploader(labels[1], key=keys["items"])
        listed = right.file_uploader(labels[2], key=keys["users"])
        items = uploads.keep("items", [described] if described else [])
        users = uploads.keep("users", [listed] if listed else [])
        events = uploads.keep("events", dropped)
        return events, items[0] if items else None, users[0] if users else None
    typed = left.text_input(tr("Path of the events file or folder"), key="import_path").strip()
    path_labels = tr("Path of the items file (optional)"), tr("Path of the users file (optional)")
    named = [
        column.text_input(label, key=f"import_{what}_path").strip()
        for column, what, label in zip(
            (middle, right), ("items", "users"), path_labels, strict=True
        )
    ]
    try:
        items_path, users_path = (paths.allowed(path) if path else None for path in named)
        return [paths.allowed(typed)] if typed else [], items_path, users_path
    except DomainError as error:
        notices.show_error(error)
        return [], None, None


def draw_append() -> str | None:
    """The corpus to add the files to, where there is one and one was chosen."""
    names = [each.name for each in loaders.library().corpora() if each.name != DEMO]
    if not names:
        return None
    chosen = st.selectbox(
        tr("Add to the corpus"),
        names,
        index=None,
        key=said.APPEND,
        placeholder=tr("none, make a new one"),
        help=tr(
            "New events, users and items are added, known rows are counted as duplicates, and an "
            "items file corrects what is known of its items. Files are read as the earlier ones "
            "were."
        ),
        width=280,
    )
    return str(chosen) if chosen is not None else None


def draw_without_events(
    items: Path | None, users: Path | None, grown: str | None, *, can_start: bool
) -> None:
    """A file of items or users without events corrects and adds to those of a corpus."""
    if grown is None:
        what = "items" if users is None else "users" if items is None else "both"
        notices.caution(tr(WITHOUT_EVENTS[what]))
    elif can_start:
        start_append([], items, users, said.options(), grown)


def start_append(
    events: list[Path], items: Path | None, users: Path | None, options: ImportOptions, name: str
) -> None:
    """Add the files to a corpus; the same as a command line."""
    label = tr("Add to {corpus}", corpus=notices.escape(name))
    pressed = st.button(label, key="import_add", type="primary", icon=":material/add:")
    command = options.command(
        [*map(shown_path, events)], shown_path(items), name, append=True, users=shown_path(users)
    )
    draw_command(command)
    if pressed:
        library, taken = loaders.library(), uploads.Taken()
        files = [taken.take(path) for path in events], taken.take(items) if items else None
        about_users = taken.take(users) if users else None
        work = partial(append_files, library, name, *files, options, users=about_users)
        state.put(IMPORTED, jobs.start("import", name, taken.until_done(work)))
        st.rerun()


def draw_command(command: str) -> None:
    """The command line that does the same."""
    st.caption(tr("The same as a command"))
    st.code(command, language="bash", wrap_lines=True)


def draw_like() -> None:
    """A corpus whose files had the same shape: its options answer every question."""
    manifests = loaders.library().corpora()
    names = [manifest.name for manifest in manifests if manifest.options is not None]
    if names:
        st.selectbox(
            tr("Read it like the files of"),
            names,
            index=None,
            key=said.LIKE,
            placeholder=tr("no other corpus"),
            width=280,
        )


def draw_preview(preview: Preview) -> None:
    """How the files are read, the rows as they are understood, and what would be lost."""
    drawing.table(words.readings_table(preview), tr("How each file is read"), height="auto")
    if preview.question is not None:
        correcting.draw_question(preview.question, preview)
    else:
        notices.say(joined(words.reading_sentence(preview), words.loss_sentence(preview)))
        rows = preview.rows
        if preview.options.order_as_time:
            rows = rows.drop(columns=Columns.Time)
        draw_rows(rows, tr("First rows as the import would read them"))
    match = words.match_sentence(preview.items_matched, preview.unmatched)
    notes = map(spoken, preview.notes)
    for sentence in (match, words.unused_sentence(preview.unused_columns), *notes):
        if sentence:
            notices.caution(sentence)
    if len(preview.item_rows):
        label = tr("First items as the import would read them")
        with st.expander(label):
            draw_rows(preview.item_rows, label)
    if preview.problems:
        with st.expander(tr("Rows that would be refused")):
            rows = view.refused_table(preview.problems)
            drawing.table(rows, tr("Rows that would be refused, with the reason"), height="auto")
    if preview.dropped:
        with st.expander(tr("Values that would be left out")):
            rows = view.refused_table(preview.dropped)
            label = tr("Values that would be left out, with the reason")
            drawing.table(rows, label, height="auto")


def draw_rows(rows: DataFrame, alt: str) -> None:
    """Rows without the columns that none of them has."""
    drawing.table(rows.dropna(axis="columns", how="all"), alt, height=220)


def draw_corrections(options: ImportOptions, preview: Preview | None) -> None:
    """Columns, the reading, kinds and the lines as they stand; each can be put right."""
    if preview is not None and preview.columns:
        asks = preview.question is not None and preview.question.option == "mapping"
        is_open = asks or not all(file.header for file in preview.files)
        expander = st.expander(
            tr("Columns"), icon=":material/table_chart:", expanded=is_open, key="mapping"
        )
        with expander, st.grid(4, gap="small"):
            correcting.draw_columns(preview, options.mapping)
    asks_kinds = preview is not None and preview.question and preview.question.option == "kinds"
    if preview is not None and preview.kind_words and not asks_kinds:
        with (
            st.expander(tr("Kinds of events"), icon=":material/category:", key="kinds"),
            st.container(horizontal=True, gap="small"),
        ):
            correcting.draw_kinds(preview)
    is_open = preview is None or preview.question is not None
    label, icon = tr("How it is read"), ":material/tune:"
    with st.expander(label, icon=icon, expanded=is_open, key="reading"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            correcting.draw_reading(options, preview)
        if preview is not None:
            for file in preview.files:
                about = tr("First lines of {file} as they stand", file=file.file)
                st.caption(notices.escape(about))
                st.code("\n".join(file.lines), language=None)
        if said.all_said():
            drawing.button(tr("Forget my corrections"), "forget_said", said.forget, icon="undo")


def start_import(
    events: list[Path],
    items: Path | None,
    users: Path | None,
    options: ImportOptions,
    suggested: str,
) -> None:
    """Name it and go; the same as a command line."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label, key = tr("Name of the corpus"), f"name_{suggested}"
        name = st.text_input(label, value=suggested, key=key, width=280)
        pressed = st.button(tr("Import"), type="primary", icon=":material/download:")
    shown = [*map(shown_path, events)], shown_path(items)
    draw_command(options.command(*shown, name, users=shown_path(users)))
    if pressed:
        library, taken = loaders.library(), uploads.Taken()
        files = [taken.take(path) for path in events], taken.take(items) if items else None
        about_users = taken.take(users) if users else None
        work = partial(import_files, library, name, *files, options, users=about_users)
        state.put(IMPORTED, jobs.start("import", name, taken.until_done(work)))
        st.rerun()


@overload
def shown_path(path: Path) -> Path: ...


@overload
def shown_path(path: None) -> None: ...


def shown_path(path: Path | None) -> Path | None:
    """A dropped file by its name, as nobody knows the folder where it is kept."""
    return Path(path.name) if path is not None and uploads.is_kept(path) else path
