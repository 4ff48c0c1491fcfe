"""Which data and which models are here, and how do I bring my own?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.corpus.importing import ImportSummary, import_files
from core.corpus.plan import ITEM_PREFIX
from core.corpus.preview import Preview
from core.corpus.readers import FORMATS
from core.domain import Columns, DomainError
from core.figures.training import training_figure
from core.views import corpora as view
from core.views import wording
from pages._shared import controls, jobs, loaders, notices, served_lists, state, uploads

UPLOAD, PATH = "Drop a file", "Path on this machine"
NAME = "Name of the corpus"
UNUSED = "not used"
EVENT_FIELDS = Columns.EVENTS
ITEM_FIELDS = tuple(f"{ITEM_PREFIX}{name}" for name in Columns.ITEMS[:-1])
WATCH_SECONDS = 0.8


def main() -> None:
    """Draw the page."""
    st.title("Which data, which model?", anchor=False)
    watch_jobs()
    draw_library()
    draw_import()
    draw_training()
    corpus = state.selection().corpus
    if corpus is not None:
        served_lists.draw_lists(corpus)


def draw_library() -> None:
    """All corpora; a button makes one the current one."""
    held = loaders.library_view()
    st.subheader("Corpora", anchor=False, help=f"Library: {notices.escape(str(held.root))}")
    if not held.corpora:
        notices.caution("There is none yet. Import a file below.")
        return
    table = pd.DataFrame([dataclasses.asdict(row) for row in held.corpora])
    table["text_share"] *= 100
    table["simulated"] = ["simulated" if row.simulated else "" for row in held.corpora]
    table["use"] = [f"Use {row.name}" for row in held.corpora]
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        alt="Corpora of the library",
        column_order=(
            "use",
            "simulated",
            "events",
            "users",
            "items",
            "text_share",
            "period",
            "refused",
            "models",
        ),
        column_config={
            "use": st.column_config.ButtonColumn(
                "Corpus",
                key="use_corpus",
                alignment="left",
                on_click=use_corpus,
                args=([row.name for row in held.corpora],),
            ),
            "simulated": st.column_config.TextColumn(""),
            "events": st.column_config.NumberColumn("Events", format="localized"),
            "users": st.column_config.NumberColumn("Users", format="localized"),
            "items": st.column_config.NumberColumn("Items", format="localized"),
            "text_share": st.column_config.NumberColumn("With text", format="%.0f %%"),
            "period": st.column_config.TextColumn("Period"),
            "refused": st.column_config.NumberColumn("Rows refused", format="localized"),
            "models": st.column_config.NumberColumn("Models"),
        },
    )


def use_corpus(names: list[str]) -> None:
    """Make the clicked corpus the current one."""
    click = state.get("use_corpus")
    if click is not None:
        controls.choose_corpus(names[click["row"]])


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
    chosen = st.selectbox("Format", FORMATS, key="import_format", width=220)
    asked = read_mapping(events, items)
    looked: Preview | None = None
    try:
        looked = loaders.preview(events, items, chosen, asked)
    except DomainError as error:
        if loaders.columns(events, items)[0]:
            notices.say(
                f"{error.what[:1].upper()}{error.what[1:]}. Say below which column is which."
            )
        else:
            notices.show_error(error)
    draw_mapping(events, items, looked)
    if looked is not None:
        draw_preview(looked)
        start_import(events, items, chosen, asked)


def choose_files() -> tuple[list[Path], Path | None]:
    """Event files, and the file that describes items where there is one."""
    how = st.segmented_control(
        "Where is it?",
        [UPLOAD, PATH],
        default=UPLOAD,
        required=True,
        key="import_how",
        label_visibility="collapsed",
    )
    left, right = st.columns([3, 2])
    if how == UPLOAD:
        dropped = left.file_uploader(
            "Events: reviews, ratings, clicks", accept_multiple_files=True, key="import_events"
        )
        described = right.file_uploader("Items (optional): titles, categories", key="import_items")
        return [uploads.keep(file) for file in dropped], (
            uploads.keep(described) if described else None
        )
    typed = left.text_input("Path of the events file or folder", key="import_path")
    items = right.text_input("Path of the items file (optional)", key="import_items_path")
    return (
        [Path(typed.strip()).expanduser()] if typed.strip() else [],
        Path(items.strip()).expanduser() if items.strip() else None,
    )


def field_key(field: str) -> str:
    """The session key of a field's picker."""
    return f"map_{field}"


def read_mapping(events: list[Path], items: Path | None) -> dict[str, str]:
    """What the pickers say, as far as it names a column of these very files."""
    columns, item_columns = loaders.columns(events, items)
    asked = {}
    for field in (*EVENT_FIELDS, *ITEM_FIELDS):
        column = state.get(field_key(field))
        if column in (item_columns if field.startswith(ITEM_PREFIX) else columns):
            asked[field] = str(column)
    return asked


def draw_mapping(events: list[Path], items: Path | None, looked: Preview | None) -> None:
    """One picker per field, set to what was guessed."""
    columns, item_columns = loaders.columns(events, items)
    guessed = looked.mapping if looked is not None else {}
    fields = [(field, columns) for field in EVENT_FIELDS]
    fields += [(field, item_columns) for field in ITEM_FIELDS] if item_columns else []
    expander = st.expander(
        "Columns", icon=":material/table_chart:", expanded=looked is None, key="mapping"
    )
    with expander, st.grid(4, gap="small"):
        for field, known in fields:
            options = [*([] if field in guessed else [UNUSED]), *known]
            key = field_key(field)
            if state.get(key) not in options:
                state.put(key, guessed.get(field, UNUSED))
            state.hold(key)
            st.selectbox(field, options, key=key)


def draw_preview(looked: Preview) -> None:
    """The first rows as an import would read them, and what it would refuse."""
    scale = looked.rating_scale
    ratings = f"; ratings from {scale[0]:g} to {scale[1]:g}" if scale else "; no ratings"
    notices.say(
        f"Reads as {looked.format}, {looked.encoding}, time in {looked.timestamp_unit}{ratings}. "
        f"{wording.count(looked.refused, 'row')} of the first {wording.number(looked.sampled)} "
        "would be refused."
    )
    st.dataframe(
        looked.rows, hide_index=True, height=220, alt="First rows as the import would read them"
    )
    if looked.problems:
        with st.expander("Rows that would be refused"):
            st.dataframe(
                pd.DataFrame([refusal_fields(row) for row in looked.problems]),
                hide_index=True,
                alt="Rows that would be refused, with the reason",
            )


def refusal_fields(row: Any) -> dict[str, Any]:
    """A refused row as table cells."""
    return {
        "file": row.file,
        "line": row.line,
        "field": row.column or row.field,
        "reason": row.reason,
        "value": row.value,
    }


def start_import(
    events: list[Path], items: Path | None, chosen: str, asked: dict[str, str]
) -> None:
    """Name it and go."""
    suggested = view.name_for(events)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(NAME, value=suggested, key=f"name_{suggested}", width=280)
        pressed = st.button("Import", type="primary", icon=":material/download:")
    if pressed:
        library = loaders.library()
        jobs.start(
            "import",
            name,
            lambda progress, stop: import_files(
                library,
                name,
                events,
                items=items,
                format=chosen,
                mapping=asked,
                progress=progress,
                stop=stop,
            ),
        )
        st.rerun()


def watch_jobs() -> None:
    """All jobs of this server; those at work refresh by themselves."""
    if not shown_jobs():
        return
    active = {job.number for job in jobs.running()}

    @st.fragment(run_every=WATCH_SECONDS if active else None)
    def watch() -> None:
        if active - {job.number for job in jobs.running()}:
            st.rerun()
        for job in shown_jobs():
            draw_job(job)

    watch()


def shown_jobs() -> list[jobs.Job]:
    """Imports and trainings; other pages show their own work."""
    return [job for job in jobs.jobs() if job.kind in ("import", "train")]


def draw_job(job: jobs.Job) -> None:
    """One job: its progress and Stop, or how it ended."""
    what = "Import of" if job.kind == "import" else "Training on"
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{what} {notices.escape(job.target)}**")
            st.space("stretch")
            if job.state == "running":
                st.button(
                    "Stop",
                    key=f"stop{job.number}",
                    icon=":material/stop:",
                    on_click=job.stop,
                    disabled=job.stopping,
                )
            else:
                st.button(
                    ":material/close:",
                    key=f"forget{job.number}",
                    help="Remove from this list",
                    type="tertiary",
                    on_click=jobs.forget,
                    args=(job.number,),
                )
        if job.state == "running":
            draw_progress(job)
        elif job.state == "failed" and job.error is not None:
            notices.show_error(job.error)
        elif job.state == "stopped":
            st.text("Stopped; nothing was left half-made.")
        elif job.kind == "import":
            draw_report(job.result)
        else:
            draw_trained(job)


def draw_progress(job: jobs.Job) -> None:
    """Stage, place, time left, figures, curve."""
    now = view.build_job(job.progress, job.stopping)
    st.progress(now.share, text=notices.escape(now.sentence))
    figures = [f"{name} {value}" for name, value in now.figures]
    if job.kind == "train" and job.progress and figures:
        figures.insert(0, f"step {job.progress.done} of {job.progress.total}")
    st.text(" · ".join(figures) or "…")
    if job.kind == "train" and len(job.curve) > 1:
        st.plotly_chart(
            training_figure(job.curve, controls.palette()),
            key=f"curve{job.number}",
            theme=None,
            config={"displayModeBar": False},
            alt=f"Training so far: {now.sentence}",
        )


def draw_report(summary: ImportSummary) -> None:
    """What an import accepted and refused, and the next step."""
    corpus = summary.manifest.name
    st.text(view.import_sentence(summary.manifest))
    for note in summary.manifest.notes:
        notices.caution(note)
    if summary.reasons:
        left, right = st.columns([2, 3])
        left.dataframe(
            view.reasons_table(summary),
            hide_index=True,
            height="content",
            alt="Why rows were refused",
        )
        right.dataframe(
            view.refused_table(summary.refused),
            hide_index=True,
            height=220,
            alt="The first refused rows",
        )
    with st.container(horizontal=True):
        st.button(
            "Use it",
            key=f"use_{corpus}",
            type="primary",
            on_click=controls.choose_corpus,
            args=(corpus,),
        )
        if summary.reasons and summary.quarantine.is_file():
            st.download_button(
                "Quarantine (JSON lines)",
                summary.quarantine.read_bytes,
                file_name=f"quarantine-{corpus}.jsonl",
                mime="application/jsonl",
                on_click="ignore",
            )


def draw_training() -> None:
    """The models of the current corpus, and a new one."""
    corpus = state.selection().corpus
    if corpus is None:
        return
    st.subheader(f"Models of {notices.escape(corpus)}", anchor=False)
    for model in loaders.models_view(corpus):
        with st.expander(f"{model.created} · {model.model_id[:12]}", icon=":material/psychology:"):
            st.caption(notices.escape(str(model.folder)))
            st.text(model.card or "This model has no card.")
    defaults = loaders.training_defaults()
    with (
        st.form("train", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        epochs = st.number_input("Epochs at most", 1, 500, defaults.epochs, width=160)
        seed = st.number_input("Seed", 0, 2**31 - 1, defaults.seed, width=160)
        pressed = st.form_submit_button(
            "Train a model", icon=":material/model_training:", type="primary"
        )
    notices.caution(
        "Training ends by itself when the validation score stops rising. It goes on when you leave "
        "this page."
    )
    if pressed:
        options = dataclasses.replace(defaults, epochs=int(epochs), seed=int(seed))
        jobs.start("train", corpus, loaders.training(corpus, options))
        st.rerun()


def draw_trained(job: jobs.Job) -> None:
    """A finished training and the next step."""
    st.text(f"Trained in {wording.duration(job.seconds)}.")
    if job.result is not None:
        st.button(
            "Use it",
            key=f"use_model{job.number}",
            type="primary",
            on_click=controls.choose_model,
            args=(job.target, Path(job.result).name),
        )


if __name__ == "__main__":
    controls.run(main)
