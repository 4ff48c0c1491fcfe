"""Verbs about corpora and the library: import, corpora, import-lists, doctor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.output import (
    JsonOption,
    LibraryOption,
    answer,
    complain,
    damage_facts,
    damage_lines,
    progress_bar,
)
from core.corpus.spoken import spoken
from core.corpus.store import Library
from core.domain import Columns, DomainError
from core.language import mark, tr, trn

if TYPE_CHECKING:
    from core.corpus.appending import AppendSummary
    from core.corpus.importing import ImportSummary
    from core.corpus.manifest import Manifest
    from core.doctor import Finding
    from core.encode.unknown import UnknownPieces
    from core.evaluate.importing_lists import ListsSummary

DROPPED = mark("dropped {n:,} values of {field} that could not be used; their rows stay")
REFUSALS_SHOWN = 5
COLUMNS_SHOWN = 60


def import_corpus(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help=tr("Files of events, or a known folder.")),
    ] = None,
    *,
    name: Annotated[str, typer.Option("--name", help=tr("Name of the corpus."))],
    append: Annotated[
        bool,
        typer.Option(
            "--append",
            help=tr("Add to the corpus, read as its earlier files; items are corrected."),
        ),
    ] = False,
    items: Annotated[Path | None, typer.Option("--items", help=tr("File of items."))] = None,
    users: Annotated[
        Path | None,
        typer.Option("--users", help=tr("File of users, any columns: shown, not learned.")),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help=tr("auto, or a format by name; a wrong name lists them.")),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help=tr("Read FIELD from COLUMN; item.FIELD for items, user.user_id for users."),
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="CORPUS", help=tr("Read as the files of CORPUS were read.")),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", help=tr("Text encoding (default: UTF-8, or by its mark).")),
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help=tr("Whether the first line names the columns; else they are called 1, 2, 3, ..."),
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(
            "--delimiter", metavar="MARK", help=tr("Between fields: ';', '::', tab, space.")
        ),
    ] = None,
    quote: Annotated[
        str | None,
        typer.Option("--quote", metavar="MARK", help=tr("Around fields: '\"', \"'\" or none.")),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option("--decimal", metavar="MARK", help=tr("In ratings: . or ,"))
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(
            "--time-format",
            metavar="FORM",
            help=tr(
                "For example %d/%m/%Y; or day-first, month-first, year-first, seconds, "
                "milliseconds, microseconds, nanoseconds, serial."
            ),
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="[WORD=]KIND",
            help=tr("What a word of the kind column means; a kind alone: events without a word."),
        ),
    ] = None,
    rating_scale: Annotated[
        str | None, typer.Option("--rating-scale", metavar="LOW-HIGH", help=tr("For example 1-5."))
    ] = None,
    category_separator: Annotated[
        str | None,
        typer.Option(
            "--category-separator",
            metavar="MARK",
            help=tr("Between an item's categories, of which the first counts; none for one."),
        ),
    ] = None,
    order_as_time: Annotated[
        bool,
        typer.Option(
            "--order-as-time", help=tr("No times: a user's rows in file order, one a day.")
        ),
    ] = False,
    one_user: Annotated[
        str | None,
        typer.Option(
            "--one-user", metavar="NAME", help=tr("All rows are this user's: no column says it.")
        ),
    ] = None,
    item_text: Annotated[
        str | None,
        typer.Option(
            "--item-text",
            metavar="COLUMN,...",
            help=tr("Columns of the items file that models read (default: all that hold words)."),
        ),
    ] = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Import files of reviews and behaviour as a corpus; say what was accepted and what refused."""
    from core.corpus import options as said
    from core.corpus.appending import AppendSummary, append_files
    from core.corpus.importing import import_files

    shelf = Library.open(library)
    given: dict[str, Any] = {
        "format": format,
        "mapping": said.parse_mapping(mapping) if mapping else None,
        "encoding": encoding,
        "header": header,
        "delimiter": said.parse_delimiter(delimiter) if delimiter is not None else None,
        "quote": said.parse_choice("--quote", quote, said.QUOTES) if quote else None,
        "decimal": said.parse_choice("--decimal", decimal, said.DECIMALS) if decimal else None,
        "time_format": time_format,
        "kinds": said.parse_kinds(kinds) if kinds else None,
        "rating_scale": said.parse_scale(rating_scale) if rating_scale else None,
        "category_separator": category_separator,
        "order_as_time": order_as_time or None,
        "one_user": one_user,
        "item_text": said.parse_names(item_text) if item_text is not None else None,
    }
    options = said.ImportOptions(
        **{key: value for key, value in given.items() if value is not None}
    )
    if like is not None:
        options = options.over(said.options_of(shelf.manifest(like)))
    files = paths or []
    with progress_bar() as progress:
        summary = (append_files if append else import_files)(
            shelf, name, files, items, options, progress=progress, users=users
        )
    unknown = None
    if summary.manifest.with_text:
        from core.encode.unknown import unknown_in_folder  # brings torch

        unknown = unknown_in_folder(shelf.corpus_folder(name))
    if isinstance(summary, AppendSummary):
        cautions = list(map(_note, summary.append.notes)) if summary.append else []
        cautions += _attribute_lines(summary.manifest)[1:] if users is not None else []
        lines = list(_append_lines(summary))
    else:
        cautions = [*_unused_lines(summary.manifest), *_note_lines(summary.manifest)]
        cautions += _attribute_lines(summary.manifest)[1:]
        lines = list(_summary_lines(summary, unknown))
    if json:
        for line in cautions:
            complain(line)
        if unknown is not None and unknown.is_too_much:
            complain(_unknown_line(unknown))
    facts = summary.facts()
    if unknown is not None:
        facts["unknown_pieces"] = {"share": unknown.share, "scripts": unknown.scripts}
    answer(facts, lines, as_json=json)


def list_corpora(library: LibraryOption = None, json: JsonOption = False) -> None:
    """List the corpora of the library, the demo first, and those that are damaged."""
    manifests, damaged = Library.open(library).survey()
    facts = {
        "corpora": [manifest.model_dump() for manifest in manifests],
        "damaged": damage_facts(damaged),
    }
    lines = [_corpus_line(manifest) for manifest in manifests]
    lines += damage_lines(damaged)
    command = "python -m core import FILE --name NAME"  # no sentence
    lines = lines or [tr("No corpus yet. Import one: {command}", command=command)]
    answer(facts, lines, as_json=json)


def import_served_lists(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=tr("Table of served lists."))],
    corpus: Annotated[str, typer.Option("--name", help=tr("Name of the corpus."))],
    name: Annotated[str, typer.Option("--as", help=tr("Name of the lists."))] = "production",
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Import the lists that your own system served (user_id, timestamp, rank, item_id)."""
    from core.evaluate.importing_lists import import_lists

    shelf = Library.open(library)
    with progress_bar() as progress:
        summary = import_lists(shelf.corpus(corpus), shelf, file, name, progress)
    answer(asdict(summary.manifest), _lists_lines(summary), as_json=json)


def examine_library(
    deep: Annotated[
        bool, typer.Option("--deep", help=tr("Read every file and hold it to its hash."))
    ] = False,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> int:
    """Say what is damaged or wrong, and the way out; exit code 1 where something is."""
    from core.doctor import examine
    from core.machine import look_at_machine
    from core.views.machine import tell_machine

    shelf = Library.open(library)
    with progress_bar() as progress:
        found = examine(shelf, deep=deep, progress=progress)
    machine = look_at_machine(shelf)
    lines = list(tell_machine(machine))
    lines += [
        tr("{name} is damaged: {problem}", name=one.what, problem=_finding(one))
        for one in found.damaged
    ]
    lines += [
        _note(tr("{about}: {problem}", about=one.what, problem=_finding(one)))
        for one in found.notes
    ]
    ends = [tr("{n} damaged", n=len(found.damaged))] * bool(found.damaged)
    wrong = tr("{n} wrong in the installation", n=len(machine.wrong))
    ends += [wrong] * bool(machine.wrong)
    end = tr(", ").join(ends) or tr("all fine")
    lines.append(tr("{n:,} things checked, {end}", n=found.checked, end=end))
    answer({**found.facts(), "machine": machine.facts()}, lines, as_json=json)
    return 1 if found.damaged or machine.wrong else 0


def _finding(finding: Finding) -> str:
    return str(DomainError(finding.problem, where=finding.where, remedy=finding.remedy))


def _corpus_line(manifest: Manifest) -> str:
    first, end = manifest.first, manifest.last
    span = tr("no events")
    if manifest.order_as_time:
        span = tr("no times")
    elif first and end:
        span = tr("{start} to {end}", start=f"{first:%Y-%m-%d}", end=f"{end:%Y-%m-%d}")
    name = manifest.name
    if manifest.simulated:
        name = tr("{corpus} (simulated)", corpus=name)
    if manifest.appends:
        last, times = manifest.appends[-1], len(manifest.appends)
        span = trn(
            "{span}, appended to {n:,} time, last on {day:%Y-%m-%d}",
            "{span}, appended to {n:,} times, last on {day:%Y-%m-%d}",
            times,
            span=span,
            n=times,
            day=last.created,
        )
    return tr(
        "{corpus}: {events:,} events, {users:,} users, {items:,} items, {span}, id {id}",
        corpus=name,
        events=manifest.accepted,
        users=manifest.users,
        items=manifest.items,
        span=span,
        id=manifest.corpus_id,
    )


def _note(words: object) -> str:
    return tr("note: {note}", note=spoken(str(words)))


def _next(command: str) -> str:
    """What to do next."""
    return tr("next: {command}", command=f"python -m core {command}")  # no sentence


def _summary_lines(summary: ImportSummary, unknown: UnknownPieces | None) -> Iterator[str]:
    manifest = summary.manifest
    yield _corpus_line(manifest)
    yield tr(
        "{rows:,} rows read: {accepted:,} accepted, {quarantined:,} quarantined, {duplicates:,} "
        "duplicates",
        rows=manifest.rows_read,
        accepted=manifest.accepted,
        quarantined=manifest.quarantined,
        duplicates=manifest.duplicates,
    )
    kinds = tr(", ").join(f"{count:,} {tr(kind)}" for kind, count in manifest.kinds.items())
    scale = manifest.rating_scale
    rated = tr("no ratings")
    if scale:
        rated = tr("ratings on {low:g}-{high:g}", low=scale[0], high=scale[1])
    texts = manifest.with_text
    yield tr("kinds: {kinds}; {n:,} with words; {rated}", kinds=kinds, n=texts, rated=rated)
    yield tr(
        "read as {format}, {encoding}, {column} in {unit}",
        format=manifest.format,
        encoding=manifest.encoding,
        column=manifest.mapping.get(Columns.Time, "time"),
        unit=spoken(manifest.timestamp_unit or ""),
    )
    mapping = ", ".join(f"{field}={name}" for field, name in manifest.mapping.items())
    yield tr("columns: {mapping}", mapping=mapping)
    if unknown is not None:
        yield _unknown_line(unknown)
    yield from _unused_lines(manifest)
    yield from _note_lines(manifest)
    yield from _attribute_lines(manifest)
    yield from _refusal_lines(summary)
    for dropped in summary.dropped[:REFUSALS_SHOWN]:
        yield f"  {dropped}"
    chosen = unknown is not None and unknown.is_too_much
    encoder = " --encoder multilingual" * chosen  # no sentence
    yield _next(f"train {manifest.name}{encoder}")  # no sentence


def _append_lines(summary: AppendSummary) -> Iterator[str]:
    """What an append added, what it knew and refused, and the next step."""
    manifest, append = summary.manifest, summary.append
    yield _corpus_line(manifest)
    if append is None:
        end = tr("the corpus is as it was")
        if summary.users_changed:
            end = tr("events and items are as they were")
        yield tr(
            "nothing is new: of {rows:,} rows {duplicates:,} are duplicates, {quarantined:,} "
            "quarantined; {end}",
            rows=summary.rows_read,
            duplicates=summary.facts()["duplicates"],
            quarantined=sum(summary.reasons.values()),
            end=end,
        )
        if summary.users_changed:
            yield from _attribute_lines(manifest)
        yield from _refusal_lines(summary, has_file=False)
        return
    yield tr(
        "{rows:,} rows read: {accepted:,} new, {quarantined:,} quarantined, {duplicates:,} "
        "duplicates",
        rows=append.rows_read,
        accepted=append.accepted,
        quarantined=append.quarantined,
        duplicates=append.duplicates,
    )
    from core.views.wording import count

    yield tr(
        "{users}, {items}, {corrected} corrected; id {before} became {now}",
        users=count(append.users, "new user"),
        items=count(append.items, "new item"),
        corrected=count(append.corrected, "item"),
        before=append.corpus_id,
        now=manifest.corpus_id,
    )
    for field, lost in append.dropped_fields.items():
        yield tr(DROPPED, n=lost, field=field)
    yield from map(_note, append.notes)
    if summary.users_changed:
        yield from _attribute_lines(manifest)
    yield from _refusal_lines(summary)
    yield _next(f"train {manifest.name}")  # no sentence


def _unknown_line(unknown: UnknownPieces) -> str:
    if unknown.is_too_much:
        return tr("words: {found}. {advice}", found=unknown, advice=unknown.way_out)
    return tr("words: {found}", found=unknown)


def _attribute_lines(manifest: Manifest) -> list[str]:
    """What a users file gave, and what is odd in it; nothing without one."""
    if manifest.attributes is None:
        return []
    from core.views.attributes import attributes_sentence

    return [
        attributes_sentence(manifest.attributes),
        *map(_note, manifest.attributes.notes),
    ]


def _unused_lines(manifest: Manifest) -> Iterator[str]:
    """Columns that no field took, by file."""
    for file, columns in manifest.unused_columns.items():
        shown = tr(", ").join(columns[:COLUMNS_SHOWN])
        more = len(columns) - COLUMNS_SHOWN
        if more > 0:
            shown = tr("{names} and {n} more", names=shown, n=more)
        yield tr("unused columns of {file}: {columns}", file=file, columns=shown)


def _note_lines(manifest: Manifest) -> Iterator[str]:
    """What a person may wonder about: items that match, values dropped, and other notes."""
    if manifest.items_matched is not None:
        matched = mark("items: {share:.0%} of the events' items are in the items file")
        yield tr(matched, share=manifest.items_matched)
    for field, count in manifest.dropped_fields.items():
        yield tr(DROPPED, n=count, field=field)
    yield from map(_note, manifest.notes)


def _lists_lines(summary: ListsSummary) -> Iterator[str]:
    manifest = summary.manifest
    yield tr(
        "{name}: {lists:,} lists of {users:,} users, {first} to {last}",
        name=manifest.name,
        lists=manifest.lists,
        users=manifest.users,
        first=manifest.first[:10],
        last=manifest.last[:10],
    )
    yield tr(
        "{rows:,} rows read: {accepted:,} accepted, {quarantined:,} quarantined",
        rows=manifest.rows_read,
        accepted=manifest.accepted,
        quarantined=manifest.quarantined,
    )
    yield from _refusal_lines(summary)
    yield _next(f"evaluate {manifest.corpus}")  # no sentence


def _refusal_lines(
    summary: ImportSummary | ListsSummary, *, has_file: bool = True
) -> Iterator[str]:
    """Reasons of refused rows, the first of them, and the file of all."""
    for reason, count in summary.reasons.items():
        yield tr("refused {n:,}: {reason}", n=count, reason=spoken(reason))
    for refusal in summary.refused[:REFUSALS_SHOWN]:
        yield f"  {refusal}"
    if summary.refused and has_file:
        yield tr("all refused rows: {file}", file=summary.quarantine)


VERBS = {
    "import": import_corpus,
    "corpora": list_corpora,
    "import-lists": import_served_lists,
    "doctor": examine_library,
}
