"""What a corpus is made of, in numbers: the manifest beside its two tables."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.files import Damaged, reason_of, verify


class Source(BaseModel):
    """One file that a corpus was made from: its name, the sha256 of its bytes, and their number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """The facts of one corpus. ``accepted + quarantined + duplicates == rows_read`` always holds.

    ``rating_scale`` is (lowest, highest) or None without ratings; ``kinds`` counts events by kind;
    ``with_text`` counts events that have words (a title or a text); ``mapping`` says which file
    column each field came from; ``items_refused`` counts refused rows of the items file, which are
    no part of ``rows_read``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    corpus_id: str
    format: str
    simulated: bool = False
    created: datetime
    rows_read: int
    accepted: int
    quarantined: int
    duplicates: int
    users: int
    items: int
    first: datetime | None
    last: datetime | None
    rating_scale: tuple[float, float] | None
    kinds: dict[str, int]
    with_text: int
    sources: tuple[Source, ...] = ()
    encoding: str | None = None
    timestamp_unit: str | None = None
    mapping: dict[str, str] = {}
    items_refused: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Load a manifest; ``Damaged`` when the file is missing or isn't what was written."""
        remedy = "Import the corpus again"
        verify(path.parent, (path.name,), remedy=remedy)
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            problem = f": {reason_of(error)}" if isinstance(error, OSError) else ""
            raise Damaged(
                f"the corpus manifest is damaged{problem}", where=str(path), remedy=remedy
            ) from None

    def write(self, path: Path) -> None:
        """Write the manifest as indented JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
