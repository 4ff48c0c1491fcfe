"""Which data and which models are here, and how do I bring my own?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import column_config as col

from core import access, jobs
from core.corpus.appending import AppendSummary
from core.corpus.importing import ImportSummary
from core.figures.quality import training_figure
from core.language import mark, tr
from core.model.config import InterestConfig
from core.model.metrics import read_metrics
from core.training.update_words import update_sentences
from core.views import corpora as view
from core.views import imports as import_words
from core.views import wording
from core.views.attributes import attribute_cautions, attributes_sentence
from pages._corpora import adding, served_lists, training, users_files
from pages._shared import controls, drawing, loaders, notices, sharing, state, tray, working


def main() -> None:
    with drawing.head(tr("Which data, which model?")):
        files = {tr("Corpora (CSV)"): (".csv", lambda: view.corpora_table(loaders.library()))}
        sharing.export("corpora", files, has_charts=False)
    for job in jobs.jobs("import", *tray.TRAININGS):
        draw_job(job)
    draw_library()
    if access.may_edit():
        adding.draw_import()
    else:
        notices.caution(tr("Importing, training and deleting are for editors."))
    corpus = state.selection().corpus
    if corpus is not None:
        draw_lineage(corpus)
        users_files.draw_attributes(corpus, loaders.library().manifest(corpus).attributes)
        draw_training(corpus)
        served_lists.draw_lists(corpus)


def draw_library() -> None:
    """All corpora; a button makes one the current one."""
    library = loaders.library()
    place = tr("Library: {path}", path=notices.escape(str(library.root)))
    st.subheader(tr("Corpora"), anchor=False, help=place)
    table, damaged = view.corpora_table(library), library.damaged()
    notices.show_damaged(mark("corpus"), damaged)
    if table.empty and damaged:
        return
    if table.empty:
        notices.caution(tr("No corpus yet. Import a file below."))
        return
    names = table["name"].tolist()
    table["use"] = [tr("Use {name}", name=name) for name in names]

    def use(row: int) -> None:
        controls.choose_corpus(names[row])

    drawing.table(
        table,
        tr("Corpora of the library"),
        {
            "use": drawing.buttons(tr("Corpus"), "use_corpus", use, alignment="left"),
            "simulated": col.TextColumn(""),
            "events": col.NumberColumn(tr("Events"), format="localized"),
            "users": col.NumberColumn(tr("Users"), format="localized"),
            "items": col.NumberColumn(tr("Items"), format="localized"),
            "text_share": col.NumberColumn(tr("With text"), format="%.0f %%"),
            "period": col.TextColumn(tr("Period")),
            "refused": col.NumberColumn(tr("Rows refused"), format="localized"),
            "appends": col.NumberColumn(tr("Appends")),
            "models": col.NumberColumn(tr("Models")),
        },
    )


def draw_job(job: jobs.Job[Any]) -> None:
    """An import or a training: its progress with Stop, or how it ended."""
    if job.state == "running":
        working.draw_job(job, tray.title(job), lambda: draw_figures(job))
        return
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{notices.escape(tray.title(job))}**")
            st.space("stretch")
            drawing.button(
                ":material/close:",
                f"forget{job.number}",
                jobs.forget,
                job.number,
                help=tr("Remove from this list"),
                type="tertiary",
                disabled=not access.may_edit(),
            )
        working.draw_end(job)
        if job.kind == "import" and job.result is not None:
            draw_report(job.result, job.number)
        elif job.result is not None:
            took = wording.duration(job.seconds)
            is_update = job.kind == "update"
            done = tr("Updated in {duration}.", duration=took)
            st.text(done if is_update else tr("Trained in {duration}.", duration=took))
            draw_outcome(job.result)
            key, use, model_id = f"use_model{job.number}", controls.choose_model, job.result.name
            drawing.button(tr("Use it"), key, use, job.target, model_id, type="primary")


def draw_outcome(model: Path) -> None:
    """What a new model is worth, where anybody could be judged."""
    with notices.guarded():
        metrics = read_metrics(model)
        if metrics and metrics.update:
            for sentence in update_sentences(metrics.update):
                st.text(sentence)
        if sentence := view.training_sentence(metrics) if metrics else "":
            st.text(sentence)


def draw_figures(job: jobs.Job[Any]) -> None:
    """Latest figures, and the curve of a training."""
    now = view.build_job(job.progress, job.stopping)
    figures = [f"{name} {value}" for name, value in now.figures]
    if job.kind in tray.TRAININGS and job.progress and figures:
        done, total = job.progress.done, job.progress.total
        figures.insert(0, tr("step {step} of {steps}", step=done, steps=total))
    st.text(" · ".join(figures) or "…")
    if job.kind in tray.TRAININGS and len(job.curve) > 1:
        figure = training_figure(job.curve, drawing.palette())
        said = tr("Training so far: {sentence}", sentence=now.sentence)
        drawing.chart(f"curve{job.number}", figure, said, is_said=False)


def draw_report(summary: ImportSummary, number: int) -> None:
    """What an import accepted and refused, and the next step."""
    corpus = summary.manifest.name
    if isinstance(summary, AppendSummary):
        st.text(view.append_sentence(summary))
        cautions = import_words.append_cautions(summary.append)
        if summary.users_changed:
            draw_users_file(summary)
    else:
        draw_users_file(summary)
        st.text(view.import_sentence(summary.manifest))
        cautions = import_words.import_cautions(summary.manifest)
    for caution in cautions:
        notices.caution(caution)
    if summary.reasons:
        left, right = st.columns([2, 3])
        with left:
            drawing.table(view.reasons_table(summary), tr("Why rows were refused"))
        with right:
            rows = view.refused_table(summary.refused)
            drawing.table(rows, tr("The first refused rows"), height=220)
    with st.container(horizontal=True):
        key = f"use_import{number}"
        drawing.button(tr("Use it"), key, controls.choose_corpus, corpus, type="primary")
        if summary.reasons and summary.quarantine.is_file():
            st.download_button(
                tr("Quarantine (JSON lines)"),
                summary.quarantine.read_bytes,
                file_name=f"quarantine-{corpus}.jsonl",
                mime="application/jsonl",
                on_click="ignore",
            )


def draw_users_file(summary: ImportSummary) -> None:
    """What a users file gave, and what is odd in it."""
    facts = summary.manifest.attributes
    if facts is not None:
        st.text(attributes_sentence(facts))
        for caution in attribute_cautions(facts):
            notices.caution(caution)


def draw_lineage(corpus: str) -> None:
    """Import and appends of a corpus that grew."""
    manifest = loaders.library().manifest(corpus)
    if not manifest.appends:
        return
    escaped = notices.escape(corpus)
    st.subheader(tr("What {corpus} grew from", corpus=escaped), anchor=False)
    drawing.table(
        view.lineage_table(manifest),
        tr("Import and appends of {corpus}, the newest last", corpus=corpus),
        {
            "when": col.DatetimeColumn(tr("When"), format="YYYY-MM-DD HH:mm"),
            "content": col.TextColumn(tr("Content"), help=tr("The corpus id afterwards")),
            "events": col.NumberColumn(tr("New events"), format="localized"),
            "users": col.NumberColumn(tr("New users"), format="localized"),
            "items": col.NumberColumn(tr("New items"), format="localized"),
            "duplicates": col.NumberColumn(tr("Duplicates"), format="localized"),
            "refused": col.NumberColumn(tr("Rows refused"), format="localized"),
            "files": col.TextColumn(tr("Files")),
        },
    )


def draw_training(corpus: str) -> None:
    st.subheader(tr("Models of {corpus}", corpus=notices.escape(corpus)), anchor=False)
    notices.show_damaged(mark("model"), loaders.library().models(corpus).damaged)
    for model in view.build_models(loaders.library(), corpus):
        about = " · ".join(filter(None, (model.created, model.model_id[:12], model.content)))
        with st.expander(about, icon=":material/psychology:"):
            st.caption(notices.escape(str(model.folder)))
            st.text(model.card)
    if not access.may_edit():
        return
    draw_update(corpus)
    usual, unknown = InterestConfig(), loaders.unknown(corpus)
    manifest = loaders.library().manifest(corpus)
    expected, columns, usual_columns = loaders.outlook(corpus)
    for sentence in expected:
        notices.caution(sentence)
    if unknown.is_too_much:
        notices.caution(view.unknown_sentence(unknown))
    form = st.form("train", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = st.number_input(
            tr("Epochs at most"), 1, 500, usual.epochs, key="train_epochs", width=160
        )
        seed = st.number_input(tr("Seed"), 0, 2**31 - 1, usual.seed, key="train_seed", width=160)
        users = st.number_input(
            tr("Users at most"),
            1,
            manifest.users,
            None,
            placeholder=tr("All"),
            key=f"train_users_{corpus}",
            width=160,
            help=tr(
                "Of a very large corpus: everything is fitted and measured on so many users, drawn "
                "at random by the seed. Every other user can be opened all the same."
            ),
        )
        encoder = st.selectbox(
            tr("Text encoder"),
            view.ENCODERS,
            index=view.usual_encoder(unknown),
            format_func=view.encoder_name,
            key=f"train_encoder_{corpus}",
            width=330,
        )
        despite = unknown.is_too_much and st.checkbox(
            tr("English all the same, with {share:.0%} unknown", share=unknown.share),
            key="train_despite",
        )
        described = []
        if columns:
            described = st.multiselect(
                tr("Text of an item"),
                columns,
                default=usual_columns,
                key=f"train_text_{corpus}",
                help=tr("Columns of the items file that describe an item to the encoder, in order"),
                width=380,
            )
        pressed = st.form_submit_button(
            tr("Train a model"), icon=":material/model_training:", type="primary"
        )
    notices.caution(
        tr(
            "Training stops by itself when the validation score stops rising. It continues if you "
            "leave this page or the app ends."
        )
    )
    if pressed and unknown.is_too_much and not encoder and not despite:
        way_out = tr("Choose the other encoder.")
        st.error(notices.escape(wording.joined(view.unknown_sentence(unknown), way_out)))
        return
    if pressed:
        some = int(users) if users is not None else None
        n_events = manifest.accepted * (some or manifest.users) // max(manifest.users, 1)
        usual = InterestConfig.usual(n_events)
        options = dataclasses.replace(usual, epochs=int(epochs), seed=int(seed))
        told = options, described or None, encoder or None, some
        jobs.start("train", corpus, training.training(corpus, *told))
        st.rerun()


def draw_update(corpus: str) -> None:
    """Where the newest model has not learned what was appended: a button that lets it."""
    library = loaders.library()
    behind = view.behind_sentence(library.manifest(corpus), library.model_folders(corpus))
    if not behind:
        return
    with st.container(border=True, gap="xsmall", horizontal_alignment="left"):
        notices.say(behind)
        label, icon = tr("Update the model"), ":material/update:"
        if st.button(label, key="update", type="primary", icon=icon):
            jobs.start("update", corpus, training.updating(corpus))
            st.rerun()


if __name__ == "__main__":
    controls.run(main)
