"""A users file on the page: how it would be read, and what it gave a corpus."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit import column_config as col

from core.corpus.manifest import UserAttributes
from core.corpus.options import USERS_ID, ImportOptions
from core.corpus.questions import Asked
from core.corpus.spoken import spoken
from core.corpus.users_file import UsersPreview, preview_users
from core.domain import DomainError
from core.language import mark, tr
from core.views import attributes as words
from core.views.wording import capital
from pages._corpora import said, uploads
from pages._shared import drawing, loaders, notices, state

COLUMN = "map_users_id"
TABLE_HEIGHT = 240


@loaders.kept(8, mark("Reading the users file …"))
def preview(path: Path, options: ImportOptions) -> UsersPreview:
    return preview_users(path, options)


def draw_preview(path: Path, options: ImportOptions) -> bool:
    """How the file would be read; False where something must be put right first."""
    try:
        seen = preview(path, options)
    except Asked as asked:
        show(asked)
        if asked.question.field == USERS_ID:
            pick_column(asked.question.proposals, None)
        return False
    except DomainError as error:
        show(error)
        return False
    notices.say(words.preview_sentence(seen))
    for note in seen.notes:
        notices.caution(tr("{what}.", what=capital(spoken(note))))
    with st.expander(tr("User attributes"), icon=":material/badge:", key="users_columns"):
        pick_column(seen.columns, seen.user_column)
        rows = words.preview_table(seen)
        label = tr("User attributes as the import would read them")
        drawing.table(rows, label, height=TABLE_HEIGHT)
    return True


def show(error: DomainError) -> None:
    where = uploads.without_folder(error.where)
    notices.show_error(DomainError(error.what, where=where, remedy=error.remedy))


def pick_column(columns: tuple[str, ...], taken: str | None) -> None:
    """Which column holds the ids of users."""
    state.choose(COLUMN, taken)
    st.selectbox(
        tr("Column of user ids"),
        columns,
        index=None,
        key=COLUMN,
        on_change=said.said_in,
        args=("mapping", COLUMN, USERS_ID, ""),
        width=280,
    )


def draw_attributes(corpus: str, facts: UserAttributes | None) -> None:
    """What is known of a corpus's users beside their events."""
    if facts is None:
        return
    st.subheader(tr("User attributes of {corpus}", corpus=notices.escape(corpus)), anchor=False)
    sentence = words.attributes_sentence(facts)
    notices.say(sentence)
    for caution in words.attribute_cautions(facts):
        notices.caution(caution)
    if not facts.columns:
        return
    rows = words.attributes_table(facts)
    drawing.table(
        rows,
        tr("User attributes. {sentence}", sentence=sentence),
        {
            "name": col.TextColumn(tr("Attribute")),
            "kind": col.TextColumn(tr("Read as")),
            "known": col.NumberColumn(tr("Users with a value"), format="localized"),
            "values": col.NumberColumn(tr("Distinct values"), format="localized"),
        },
        height=min(TABLE_HEIGHT, 38 + 35 * len(rows)),
    )
    with st.container(horizontal=True, gap="small"):
        drawing.link(drawing.USERS, tr("All users"))
