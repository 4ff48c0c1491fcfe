"""How files are written: each syntax gives the same rows."""

from __future__ import annotations

from itertools import islice

from core.corpus.options import ImportOptions
from core.corpus.source import SourceFile
from core.corpus.syntax.blocks import BlockRows, looks_like_blocks
from core.corpus.syntax.delimited import Delimited
from core.corpus.syntax.json_rows import SYNTAX_LINES, JsonRows, looks_like_json
from core.corpus.syntax.layouts import is_netflix
from core.corpus.syntax.lists import each_event
from core.corpus.syntax.netflix import NetflixRows
from core.corpus.syntax.parquet_rows import ParquetRows
from core.corpus.syntax.protocol import Head, Rows, sample_rows
from core.corpus.syntax.sequences import SequenceRows, looks_like_sequences
from core.corpus.syntax.sheet_rows import SheetRows

__all__ = ["Head", "Rows", "each_event", "open_rows", "read_head"]


def open_rows(file: SourceFile, options: ImportOptions | None = None) -> Rows:
    """The rows of a file, by what is in it; DomainError where they cannot be read."""
    options = options or ImportOptions()
    if file.is_parquet:
        return ParquetRows(file)
    if file.is_sheet:
        return SheetRows(file, options)
    lines = file.sample.start.splitlines()[: SYNTAX_LINES * 5]
    is_table = options.delimiter is not None or options.header is False
    if not is_table and looks_like_json(lines):
        return JsonRows(file)
    if not is_table and is_netflix([line for line in lines if line.strip()]):
        return NetflixRows(file)
    whole = lines if file.sample.is_whole or len(lines) >= SYNTAX_LINES * 5 else lines[:-1]
    if not is_table and looks_like_sequences(whole):
        return SequenceRows(file)
    if not is_table and looks_like_blocks(lines):
        return BlockRows(file)
    return Delimited(file, options)


def read_head(rows: Rows) -> Head:
    """The columns and the first rows."""
    columns = rows.columns
    return Head(columns, tuple(islice(rows.read(columns), sample_rows(len(columns)))), rows)
