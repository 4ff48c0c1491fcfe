"""One line of delimited text cut into cells; a quote that does not close is a plain character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Cutter:
    """Cuts lines at a delimiter.

    ``delimiter`` " " means any run of blanks. ``quote`` None: quotes are plain characters. Else a
    field that begins with the quote may hold delimiters, and the quote doubled or, with
    ``escapes``, after a backslash.
    """

    delimiter: str
    quote: str | None = '"'
    escapes: bool = False

    def cut(self, text: str) -> tuple[list[str], bool]:
        """The cells, and whether one began with a quote that never closed."""
        if self.quote is None or self.quote not in text:
            return text.split(None if self.delimiter == " " else self.delimiter), False
        cells: list[str] = []
        place, is_open = 0, False
        mark, step = self.delimiter, len(self.delimiter)
        while True:
            quoted = self._quoted.match(text, place)
            if quoted:
                cells.append(self._plain(quoted[1]))
                place = quoted.end() - (mark == " " and quoted[0][-1:] == " ")
            else:
                is_open = is_open or text[place:].lstrip(" ")[:1] == self.quote
                stop = text.find(mark, place)
                stop = len(text) if stop < 0 else stop
                cells.append(text[place:stop])
                place = stop
            if place >= len(text):
                return cells, is_open
            place += step
            if mark == " ":
                while text[place : place + 1] == " ":
                    place += 1
            if place >= len(text):
                return [*cells, ""] if mark != " " else cells, is_open

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        quote = re.escape(self.quote or '"')
        escaped = rf"[^{quote}\\]+|\\.|\\\Z|{quote}{quote}"
        inner = escaped if self.escapes else rf"[^{quote}]+|{quote}{quote}"
        after = " " if self.delimiter == " " else rf" *(?:{re.escape(self.delimiter)})"
        return re.compile(rf" *{quote}((?>{inner})*+){quote}(?={after}| *\Z) *", re.DOTALL)

    def _plain(self, text: str) -> str:
        if self.escapes and "\\" in text:
            text = _ESCAPED.sub(_unescaped, text)
        quote = self.quote or '"'
        return text.replace(quote + quote, quote) if quote in text else text


_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _unescaped(match: re.Match[str]) -> str:
    mark = match[1]
    return mark if mark in "\"'\\\n" else match[0]
