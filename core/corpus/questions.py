"""Questions that only a person can answer, as errors that say what to answer."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain import DomainError


@dataclass(frozen=True)
class Question:
    """Something that only a person can say; until then nothing can be imported.

    ``option`` is the field of ``ImportOptions`` that answers it: "mapping", "header", "delimiter",
    "encoding", "time_format", "kinds" or "order_as_time". ``field`` is the field that lacks a
    column ("timestamp", "item.item_id") where ``option`` is "mapping". ``values`` are values of the
    file that the question is about (unknown words of a kind, a date that can be read two ways).
    ``proposals`` are values of the option that could be right, the likeliest first. ``error`` says
    all of it in words; an import with the same options raises it.
    """

    option: str
    error: DomainError
    field: str = ""
    values: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()


class Asked(DomainError):
    """A DomainError that one option answers; ``question`` is it for the page."""

    def __init__(
        self,
        what: str,
        option: str,
        *,
        where: str,
        remedy: str,
        field: str = "",
        values: tuple[str, ...] = (),
        proposals: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.question = Question(option, self, field, values, proposals)
