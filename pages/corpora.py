"""Which data and which models are here, and how do I bring my own?"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import column_config as col

from core import jobs
from core.corpus.importing import ImportSummary, Preview, import_files
from core.corpus.plan import ITEM_PREFIX
from core.corpus.readers import FORMATS
from core.domain import Columns, DomainError
from core.figures.quality import training_figure
from core.model.config import InterestConfig
from core.views import corpora as view
from core.views import wording
from pages._corpora import served_lists, uploads
from pages._shared import controls, drawing, loaders, notices, state, working

WAYS = {(UPLOAD := "drop"): "Drop a file", "path": "Path on this machine"}
UNUSED = "not used"
FIELDS = (*Columns.EVENTS, *(f"{ITEM_PREFIX}{name}" for name in Columns.ITEMS[:-1]))
"""What a file can hold; those of items begin with ``ITEM_PREFIX``."""


def main() -> None:
    st.title("Which data, which model?", anchor=False)
    for job in jobs.jobs("import", "train"):
        draw_job(job)
    draw_library()
    draw_import()
    corpus = state.selection().corpus
    if corpus is not None:
        draw_training(corpus)
        served_lists.draw_lists(corpus)


def draw_library() -> None:
    """All corpora; a button makes one the current one."""
    library = loaders.library()
    st.subheader("Corpora", anchor=False, help=f"Library: {notices.escape(str(library.root))}")
    table = view.corpora_table(library)
    if table.empty:
        notices.caution("No corpus yet. Import a file below.")
        return
    table["use"] = "Use " + table["name"]
    names = table["name"].tolist()

    def use(row: int) -> None:
        controls.choose_corpus(names[row])

    drawing.table(
        table,
        "Corpora of the library",
        {
            "use": drawing.buttons("Corpus", "use_corpus", use, alignment="left"),
            "simulated": col.TextColumn(""),
            "events": col.NumberColumn("Events", format="localized"),
            "users": col.NumberColumn("Users", format="localized"),
            "items": col.NumberColumn("Items", format="localized"),
            "text_share": col.NumberColumn("With text", format="%.0f %%"),
            "period": col.TextColumn("Period"),
            "refused": col.NumberColumn("Rows refused", format="localized"),
            "models": col.NumberColumn("Models"),
        },
    )


def draw_import() -> None:
    """Drop or path, then preview and mapping, then the import."""
    st.subheader("Add a file", anchor=False)
    notices.caution(
        "Amazon reviews (2014 or 2023), MovieLens, or any CSV, TSV, JSON lines or Parquet table "
        "with a user, an item and a time per row; also as .gz. It stays on this machine."
    )
    events, items = choose_files()
    if not events:
        return
    columns = {"": loaders.columns(events[0]), ITEM_PREFIX: loaders.columns(items) if items else ()}
    format = st.selectbox("Format", FORMATS, key="import_format", width=220)
    mapping = read_mapping(columns)
    preview: Preview | None = None
    try:
        preview = loaders.preview(events, items, format, mapping)
    except DomainError as error:
        if columns[""]:
            notices.say(f"{error.what[:1].upper()}{error.what[1:]}. Choose the columns below.")
        else:
            notices.show_error(error)
    draw_mapping(columns, preview)
    if preview is not None:
        draw_preview(preview)
        start_import(events, items, format, mapping)


def choose_files() -> tuple[list[Path], Path | None]:
    """Event files, and the file that describes items where there is one."""
    how = drawing.choose("Where is it?", "import_how", WAYS, hides_label=True)
    left, right = st.columns([3, 2])
    if how == UPLOAD:
        dropped = left.file_uploader(
            "Events: reviews, ratings, clicks", accept_multiple_files=True, key="import_events"
        )
        described = right.file_uploader("Items (optional): titles, categories", key="import_items")
        events = [uploads.keep(file) for file in dropped]
        return events, uploads.keep(described) if described else None
    typed = left.text_input("Path of the events file or folder", key="import_path").strip()
    items = right.text_input("Path of the items file (optional)", key="import_items_path").strip()
    return (
        [Path(typed).expanduser()] if typed else [],
        Path(items).expanduser() if items else None,
    )


def columns_for(field: str, columns: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The columns that can hold a field: of the items file, or of the events file."""
    return columns[ITEM_PREFIX if field.startswith(ITEM_PREFIX) else ""]


def read_mapping(columns: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """What the pickers say, where it names a column of these very files."""
    chosen = {field: state.get(f"map_{field}") for field in FIELDS}
    return {f: str(name) for f, name in chosen.items() if name in columns_for(f, columns)}


def draw_mapping(columns: dict[str, tuple[str, ...]], preview: Preview | None) -> None:
    """One picker per field, set to what was guessed."""
    guessed = preview.mapping if preview is not None else {}
    expander = st.expander(
        "Columns", icon=":material/table_chart:", expanded=preview is None, key="mapping"
    )
    with expander, st.grid(4, gap="small"):
        for field in FIELDS:
            known, key = columns_for(field, columns), f"map_{field}"
            if field.startswith(ITEM_PREFIX) and not known:
                continue
            options = [*([] if field in guessed else [UNUSED]), *known]
            if state.get(key) not in options:
                state.put(key, guessed.get(field, UNUSED))
            state.hold(key)
            st.selectbox(field, options, key=key)


def draw_preview(preview: Preview) -> None:
    """The first rows as an import would read them, and what it would refuse."""
    scale = preview.rating_scale
    ratings = f"; ratings from {scale[0]:g} to {scale[1]:g}" if scale else "; no ratings"
    notices.say(
        f"Format {preview.format}, {preview.encoding}, time in {preview.timestamp_unit}{ratings}. "
        f"{wording.count(preview.refused, 'row')} of the first {wording.number(preview.sampled)} "
        "would be refused."
    )
    drawing.table(preview.rows, "First rows as the import would read them", height=220)
    if preview.problems:
        with st.expander("Rows that would be refused"):
            rows = view.refused_table(preview.problems)
            drawing.table(rows, "Rows that would be refused, with the reason", height="auto")


def start_import(
    events: list[Path], items: Path | None, format: str, mapping: dict[str, str]
) -> None:
    """Name it and go."""
    suggested = view.name_for(events)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label, key = "Name of the corpus", f"name_{suggested}"
        name = st.text_input(label, value=suggested, key=key, width=280)
        pressed = st.button("Import", type="primary", icon=":material/download:")
    if pressed:
        library = loaders.library()
        work = partial(import_files, library, name, events, items, format, mapping, None, None)
        jobs.start("import", name, work)
        st.rerun()


def draw_job(job: jobs.Job[Any]) -> None:
    """An import or a training: its progress with Stop, or how it ended."""
    what = "Import of" if job.kind == "import" else "Training on"
    if job.state == "running":
        working.draw_job(job, f"{what} {job.target}", lambda: draw_figures(job))
        return
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{what} {notices.escape(job.target)}**")
            st.space("stretch")
            drawing.button(
                ":material/close:",
                f"forget{job.number}",
                jobs.forget,
                job.number,
                help="Remove from this list",
                type="tertiary",
            )
        working.draw_end(job)
        if job.kind == "import" and job.result is not None:
            draw_report(job.result, job.number)
        elif job.result is not None:
            st.text(f"Trained in {wording.duration(job.seconds)}.")
            key, use, model_id = f"use_model{job.number}", controls.choose_model, job.result.name
            drawing.button("Use it", key, use, job.target, model_id, type="primary")


def draw_figures(job: jobs.Job[Any]) -> None:
    """Latest figures, and the curve of a training."""
    now = view.build_job(job.progress, job.stopping)
    figures = [f"{name} {value}" for name, value in now.figures]
    if job.kind == "train" and job.progress and figures:
        figures.insert(0, f"step {job.progress.done} of {job.progress.total}")
    st.text(" · ".join(figures) or "…")
    if job.kind == "train" and len(job.curve) > 1:
        figure = training_figure(job.curve, drawing.palette())
        said = f"Training so far: {now.sentence}"
        drawing.chart(f"curve{job.number}", figure, said, is_said=False)


def draw_report(summary: ImportSummary, number: int) -> None:
    """What an import accepted and refused, and the next step."""
    corpus = summary.manifest.name
    st.text(view.import_sentence(summary.manifest))
    for note in summary.manifest.notes:
        notices.caution(note)
    if summary.reasons:
        left, right = st.columns([2, 3])
        with left:
            drawing.table(view.reasons_table(summary), "Why rows were refused")
        with right:
            drawing.table(view.refused_table(summary.refused), "The first refused rows", height=220)
    with st.container(horizontal=True):
        drawing.button(
            "Use it", f"use_import{number}", controls.choose_corpus, corpus, type="primary"
        )
        if summary.reasons and summary.quarantine.is_file():
            st.download_button(
                "Quarantine (JSON lines)",
                summary.quarantine.read_bytes,
                file_name=f"quarantine-{corpus}.jsonl",
                mime="application/jsonl",
                on_click="ignore",
            )


def draw_training(corpus: str) -> None:
    st.subheader(f"Models of {notices.escape(corpus)}", anchor=False)
    for model in view.build_models(loaders.library(), corpus):
        with st.expander(f"{model.created} · {model.model_id[:12]}", icon=":material/psychology:"):
            st.caption(notices.escape(str(model.folder)))
            st.text(model.card or "This model has no card.")
    usual = InterestConfig()
    form = st.form("train", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = st.number_input(
            "Epochs at most", 1, 500, usual.epochs, key="train_epochs", width=160
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, usual.seed, key="train_seed", width=160)
        pressed = st.form_submit_button(
            "Train a model", icon=":material/model_training:", type="primary"
        )
    notices.caution(
        "Training stops by itself when the validation score stops rising. It continues if you "
        "leave this page."
    )
    if pressed:
        options = dataclasses.replace(usual, epochs=int(epochs), seed=int(seed))
        jobs.start("train", corpus, loaders.training(corpus, options))
        st.rerun()


if __name__ == "__main__":
    controls.run(main)
