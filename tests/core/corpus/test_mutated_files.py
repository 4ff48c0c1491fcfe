"""Files with damage of any kind end in words or in counts that add up, never in a traceback."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.previewing import preview
from core.corpus.quarantine import EVENTS, read_quarantine
from core.corpus.store import Library
from core.domain import DomainError

T = 1_500_000_000
EXAMPLES = 1_000 if "TASTELINES_THOROUGH" in os.environ else 100
HEADERS = (
    ("user_id", "item_id", "rating", "timestamp", "text"),
    ("Kunde", "Artikel", "Sterne", "Datum", "Kommentar"),
    ("用户", "商品", "评分", "时间", "评论"),
    ("a", "b", "c", "d", "e"),
    (),
)
TIMES = (
    lambda n: str(T + n * 86_400),
    lambda n: f"2021-0{1 + n % 9}-1{n % 9}",
    lambda n: f"0{1 + n % 9}/0{1 + n % 8}/2021",
    lambda n: f"{13 + n % 9}.03.2021 10:00",
)
TEXTS = ('fine, "really"', "a\tb", "two\nlines", "semi;colon|pipe", "", "ünï 好", "nan", '"open')
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "gb18030", "utf-16", "utf-16-le")


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A table of one dialect, header and encoding, with pieces cut out, doubled or overwritten."""
    mark = draw(st.sampled_from([",", ";", "\t", "|", "::", " ", "~"]))
    quote = draw(st.sampled_from(["always", "needed", "never", "single", "backslash"]))
    header, time = draw(st.sampled_from(HEADERS)), draw(st.sampled_from(TIMES))
    rows = [
        (f"u{n % 5}", f"i{n % 7}", draw(st.sampled_from(["5", "3/5", "B+", "", "x"])), time(n),
         draw(st.sampled_from(TEXTS)))
        for n in range(draw(st.integers(0, 25)))
    ]  # fmt: skip
    if draw(st.integers(0, 4)) == 0:
        content = json.dumps([dict(zip(HEADERS[0], row, strict=True)) for row in rows],
                             indent=draw(st.sampled_from([None, 1])))  # fmt: skip
    else:
        end = draw(st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]))
        lines = [*([header] if header else []), *rows]
        content = end.join(mark.join(_field(cell, mark, quote) for cell in row) for row in lines)
    data = content.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        new = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b'"', b"\n", b"\x00", b"\r"])))
        data = data[:place] + new + data[place + draw(st.sampled_from([0, length])) :]
    if draw(st.booleans()):
        data = data[: draw(st.integers(0, len(data)))]
    packed = draw(st.integers(0, 5))
    if packed == 0:
        data = gzip.compress(data)
        data = data[: len(data) - draw(st.integers(0, 12))]
    return data


def _field(cell: str, mark: str, quote: str) -> str:
    if quote == "always" or (quote == "needed" and any(c in cell for c in (mark, '"', "\n"))):
        return '"' + cell.replace('"', '""') + '"'
    if quote == "backslash":
        return '"' + cell.replace('"', '\\"') + '"'
    return f"'{cell}'" if quote == "single" else cell


OPTIONS = st.builds(
    ImportOptions,
    header=st.sampled_from([None, None, False, True]),
    delimiter=st.sampled_from([None, None, None, ",", "::", " "]),
    order_as_time=st.booleans(),
    encoding=st.sampled_from([None, None, "utf-8", "cp1252", "gb18030"]),
    rating_scale=st.sampled_from([None, (1.0, 5.0)]),
    mapping=st.sampled_from([{}, {}, {"user_id": "1", "item_id": "2"}]),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(files(), OPTIONS)
def test_a_mutated_file_ends_in_words_or_in_counts_that_add_up(
    data: bytes, options: ImportOptions
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(data)
        shown = None
        try:
            shown = preview([path], options=options)
        except DomainError as error:
            assert error.remedy or error.where
        library = Library.open(Path(folder) / "library")
        try:
            summary = import_files(library, "shop", [path], options=options)
        except DomainError as error:
            assert error.what
            assert not (Path(folder) / "library").exists()
            return
        assert shown is not None and shown.question is None
        manifest = summary.manifest
        counted = manifest.accepted + manifest.quarantined + manifest.duplicates
        assert counted == manifest.rows_read
        logged = [row for row in read_quarantine(summary.quarantine) if row.table == EVENTS]
        assert len(logged) == manifest.quarantined
        assert len(library.corpus("shop").events) == manifest.accepted
