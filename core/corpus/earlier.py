"""Read new files of a corpus as its earlier ones were read, without asking again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.corpus.manifest import Manifest
from core.corpus.options import ITEM_PREFIX, ImportOptions, split_mapping
from core.corpus.planning import NEEDED, resolve_folders
from core.corpus.questions import Asked
from core.corpus.source import SourceFile
from core.corpus.spoken import form
from core.corpus.syntax import each_event, open_rows
from core.domain import Columns, DomainError
from core.language import mark, tr

MEANING = (
    *(
        "kinds",
        "rating_scale",
        "decimal",
        "category_separator",
        "order_as_time",
        "one_user",
        "item_text",
    ),
)
"""Options about what values mean, which hold for files of another form too."""

OTHER_FORM = mark("the files have none of the earlier columns; how to read them was found anew")
NO_COLUMN = form(mark("the files have no column {column}, so they give no {field}"))
NO_ITEM_COLUMN = form(mark("the files have no column {column}, so they give no {field} of items"))


def as_before(
    manifest: Manifest, paths: Sequence[Path], items: Path | None, said: ImportOptions
) -> tuple[ImportOptions, tuple[str, ...]]:
    """Options for further files of a corpus, with notes about what differs from its earlier files.

    ``said`` comes first. A column that the files lack is left out where its field is optional;
    files without any of the earlier columns for user, item and time have another form, which is
    found out anew. DomainError where files with times would be mixed with files without.
    """
    stored = manifest.options
    if said.order_as_time and not manifest.order_as_time:
        raise DomainError(
            tr("the corpus has times, so the order of rows can't be taken as time"),
            where="--order-as-time",
            remedy=tr("Map the column of times, or import the file as another corpus"),
        )
    if stored is None:
        return said, ()
    files, listed = resolve_folders(paths)
    items = items or listed
    known, about_items = split_mapping(stored.mapping)
    if (items is not None) != (manifest.items_matched is not None):
        about_items = {}  # they were columns of the other table
    options = said.over(stored)
    columns = [_columns(path, options) for path in files]
    needed = [known[field] for field in NEEDED if field in known and field not in said.mapping]
    has = [column in names for column in needed for names in columns]
    meaning = stored.model_copy(update={"mapping": {}})
    if files and has and not any(has):
        base = ImportOptions(**{name: getattr(stored, name) for name in MEANING})
        return said.over(base), (OTHER_FORM,)
    notes = []
    mapping = {}
    for field, column in known.items():
        if field in NEEDED or all(column in names for names in columns):
            mapping[field] = column
        elif files:
            notes.append(NO_COLUMN.format(column=repr(column), field=field))
    item_columns = _columns(items, options) if items is not None else _common(columns)
    for field, column in about_items.items():
        if column in item_columns:
            mapping[ITEM_PREFIX + field] = column
        elif field != Columns.Item:
            notes.append(NO_ITEM_COLUMN.format(column=repr(column), field=field))
    return said.over(meaning.model_copy(update={"mapping": mapping})), tuple(notes)


def _common(columns: Sequence[frozenset[str]]) -> frozenset[str]:
    return frozenset.intersection(*columns) if columns else frozenset()


def _columns(path: Path, options: ImportOptions) -> frozenset[str]:
    """The columns of a file; none where it can't be read so."""
    try:
        rows = open_rows(SourceFile(path, options.encoding), options)
        return frozenset((*rows.columns, *each_event(rows).columns))
    except Asked:
        return frozenset()
