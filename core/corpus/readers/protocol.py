"""What a format must know: its columns, its scale, and what its items look like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from core.corpus.options import Scale
from core.corpus.syntax.protocol import Fields, Head
from core.domain import Columns


class Reader(Protocol):
    """One format. Files are told apart by their columns, never by their names."""

    format: str

    @property
    def rating_scale(self) -> Scale | None:
        """Lowest and highest rating; None: files from the values."""
        ...

    def event_columns(self, head: Head) -> dict[str, str] | None:
        """Field of ``Columns.EVENTS`` -> file column; None when these aren't such events."""
        ...

    def item_columns(self, head: Head) -> dict[str, str] | None:
        """Field of ``Columns.ITEMS`` -> file column; None when these aren't such items."""
        ...

    def item(self, fields: Fields, columns: Mapping[str, str]) -> Fields:
        """Raw values by field of ``Columns.ITEMS`` (``extra`` a dict), not yet validated."""
        ...

    def folder_files(self, folder: Path) -> tuple[list[Path], Path | None] | None:
        """Event files and items file of a folder in this format's usual layout, or None."""
        ...


def present(columns: Mapping[str, str], head: Head) -> dict[str, str]:
    """The part of a mapping whose file columns exist."""
    return {field: column for field, column in columns.items() if column in head.columns}


def mapped(fields: Fields, columns: Mapping[str, str]) -> Fields:
    """The mapped values by field; all other columns together under ``Columns.Extra``."""
    used = set(columns.values())
    values: Fields = {field: fields.get(column) for field, column in columns.items()}
    values[Columns.Extra] = {name: value for name, value in fields.items() if name not in used}
    return values


def first_of(folder: Path, pattern: str) -> list[Path]:
    """The files that match the pattern, sorted."""
    return sorted(path for path in folder.glob(pattern) if path.is_file())
