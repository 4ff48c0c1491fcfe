"""Encodings of text: byte order marks, names that Python knows, and proposals."""

from __future__ import annotations

import codecs

from core.domain import DomainError
from core.language import tr

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
PROPOSED = (
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
    "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
)  # fmt: skip
"""Encodings that are proposed for a text that is not UTF-8."""
WESTERN = ("cp1252", "cp1250", "cp1254", "cp1257")


def known_encoding(name: str) -> str:
    """The name of a text encoding that Python knows; DomainError otherwise."""
    try:
        codec = codecs.lookup(name)
        "\n".encode(name)
    except (LookupError, UnicodeError, ValueError):
        raise DomainError(
            tr("there is no text encoding {name!r}", name=name),
            where="--encoding",
            remedy=tr("Use a name such as utf-8, cp1252, latin-1, gb18030, shift_jis or utf-16"),
        ) from None
    return codec.name


def propose_encoding(error: UnicodeError, start: bytes) -> tuple[str, str] | None:
    """An encoding that the bytes could have, and what the unreadable place would read; or None."""
    if not isinstance(error, UnicodeDecodeError):
        return None
    from charset_normalizer import from_bytes

    content = bytes(error.object[max(error.start - 4096, 0) : error.start + 2**15])
    if all(byte < 128 for byte in content):
        return None
    matches = from_bytes(start[: 2**15] + b"\n" + content, cp_isolation=list(PROPOSED))
    best = matches.best()
    if best is None:
        return None
    name = best.encoding
    if name in WESTERN and any(
        "cp1252" in (match.encoding, *match.could_be_from_charset)
        for match in matches
        if match.chaos <= best.chaos + 0.02
    ):
        name = "cp1252"
    around = bytes(error.object[max(error.start - 24, 0) : error.start + 24])
    lines = around.replace(b"\r", b"\n")
    before = error.start - max(error.start - 24, 0)
    left = lines.rfind(b"\n", 0, before) + 1
    right = lines.find(b"\n", before)
    excerpt = lines[left : right if right >= 0 else len(lines)].decode(name, "ignore")
    return name, excerpt.strip()
