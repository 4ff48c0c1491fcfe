"""Vectors addressed by content: a text is encoded once in its life.

The key is a hash of the text under the encoder's id, so a second corpus with the same text reuses
the vector and a killed run goes on where it stopped. Vectors are kept as float16.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray
from core.corpus.store import DEMO, PROJECT, Library
from core.domain import DomainError
from core.encode.encoder import TextEncoder
from core.encode.sentiment import SentimentModel
from core.files import load_arrays, save_arrays
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

_CHUNK = 512
_KEY_BYTES = 16
_SQL_VARIABLES = 900
_IN_MEMORY = 100_000
"""Vectors kept at hand per process: about 80 MB at 384 dimensions."""
CACHE_FILE = "vectors.sqlite"
DEMO_PACK = PROJECT / "data" / "demo" / "vectors.safetensors"


def text_key(text: str) -> bytes:
    """Address of a text: 16 bytes of its BLAKE2b hash."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=_KEY_BYTES).digest()


class VectorCache:
    """A SQLite file (WAL) of vectors, in front of it any number of read-only packs."""

    def __init__(self, path: Path | None, packs: Iterable[Path] = ()) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._memory: dict[tuple[str, bytes], npt.NDArray[np.float16]] = {}
        self._packs: dict[str, dict[bytes, npt.NDArray[np.float16]]] = {}
        for pack in packs:
            arrays, header = load_arrays(pack)
            keys = arrays["keys"].tobytes()
            known = self._packs.setdefault(header.get("encoder_id", ""), {})
            for row, vector in enumerate(arrays["vectors"]):
                known[keys[row * _KEY_BYTES : (row + 1) * _KEY_BYTES]] = vector

    def vectors(
        self,
        texts: Sequence[str],
        encoder: TextEncoder,
        progress: ProgressCallback | None = None,
        stop: StopCallback | None = None,
    ) -> FloatArray:
        """Vectors of texts, encoding only those never seen.

        Returns float32[n_texts, dim] of unit length; an empty text gives zeros. Work is committed
        every few hundred texts, so ``stop`` or a kill loses little.
        """
        keys = [text_key(text) if text else b"" for text in texts]
        wanted = {key: text for key, text in zip(keys, texts, strict=True) if key}
        known = self._find(encoder.encoder_id, list(wanted))
        missing = [key for key in wanted if key not in known]
        # Long texts first, so that the time left is never underestimated.
        missing.sort(key=lambda key: (-len(wanted[key]), key))
        for start in range(0, len(missing), _CHUNK):
            check_stop(stop)
            chunk = missing[start : start + _CHUNK]

            def within(step: Progress, start: int = start) -> None:
                report(progress, Progress(step.stage, start + step.done, len(missing)))

            encoded = encoder.encode([wanted[key] for key in chunk], within, stop)
            half = encoded.astype(np.float16)
            self._store(encoder.encoder_id, chunk, half)
            known.update(zip(chunk, half, strict=True))
        out = np.zeros((len(texts), encoder.dim), dtype=np.float32)
        for row, key in enumerate(keys):
            if key:
                out[row] = known[key]
        return out

    def hold(self, texts: Sequence[str], vectors: FloatArray, encoder: TextEncoder) -> None:
        """Keep vectors float32[n_texts, dim] at hand in this process, without writing them down.

        For texts that nobody wrote, such as a review without one of its words.
        """
        half = vectors.astype(np.float16)
        keys = [text_key(text) for text in texts]
        self._remember(encoder.encoder_id, dict(zip(keys, half, strict=True)))

    def write_pack(self, target: Path, texts: Iterable[str], encoder: TextEncoder) -> None:
        """Write the vectors of these texts as one read-only file, sorted by key."""
        by_key = {text_key(text): text for text in texts if text}
        keys = sorted(by_key)
        vectors = self.vectors([by_key[key] for key in keys], encoder).astype(np.float16)
        addresses = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, _KEY_BYTES)
        arrays: dict[str, np.ndarray] = {"keys": addresses, "vectors": vectors}
        save_arrays(target, arrays, {"encoder_id": encoder.encoder_id})

    def _find(self, encoder_id: str, keys: list[bytes]) -> dict[bytes, npt.NDArray[np.float16]]:
        pack, memory = self._packs.get(encoder_id, {}), self._memory
        known = {
            key: vector
            for key in keys
            if (vector := pack.get(key, memory.get((encoder_id, key)))) is not None
        }
        unknown = [key for key in keys if key not in known]
        if unknown and self._path is not None and self._path.is_file():
            with self._lock, self._connect() as connection:
                for start in range(0, len(unknown), _SQL_VARIABLES):
                    part = unknown[start : start + _SQL_VARIABLES]
                    marks = ",".join("?" * len(part))
                    rows = connection.execute(
                        f"SELECT key, vector FROM vectors WHERE encoder = ? AND key IN ({marks})",
                        [encoder_id, *part],
                    )
                    for key, blob in rows:
                        known[key] = np.frombuffer(blob, dtype=np.float16)
            self._remember(encoder_id, {key: known[key] for key in unknown if key in known})
        return known

    def _remember(self, encoder_id: str, vectors: dict[bytes, npt.NDArray[np.float16]]) -> None:
        if self._path is not None and len(self._memory) + len(vectors) > _IN_MEMORY:
            self._memory.clear()
        self._memory.update(((encoder_id, key), vector) for key, vector in vectors.items())

    def _store(self, encoder_id: str, keys: list[bytes], vectors: npt.NDArray[np.float16]) -> None:
        self._remember(encoder_id, dict(zip(keys, vectors, strict=True)))
        if self._path is None:
            return
        with self._lock, self._connect() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO vectors (encoder, key, vector) VALUES (?, ?, ?)",
                [(encoder_id, key, v.tobytes()) for key, v in zip(keys, vectors, strict=True)],
            )

    def _connect(self) -> sqlite3.Connection:
        """The one connection, for use under the lock; as a context it is one transaction.

        It stays open, because closing the last one writes the log back, which takes longer than
        encoding a review. A vector lost to a power cut is made again, so commits don't wait for it.
        """
        assert self._path is not None
        if self._open is not None and self._path.is_file():
            return self._open
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (encoder TEXT NOT NULL, key BLOB NOT NULL, "
                "vector BLOB NOT NULL, PRIMARY KEY (encoder, key)) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError as error:
            raise DomainError(
                f"the vector cache cannot be opened: {error}",
                where=str(self._path),
                remedy="Delete the file; its vectors are made again when needed",
            ) from error
        self._open = connection
        return connection


def open_cache(library: Library) -> VectorCache:
    """The library's vector cache, with the demo's shipped vectors in front of it."""
    packs = [DEMO_PACK] if DEMO_PACK.is_file() else []
    return VectorCache(library.root / CACHE_FILE, packs)


def open_encoder(
    library: Library,
    name: str | None = None,
    *,
    allow_download: bool = False,
    device: str = "cpu",
) -> TextEncoder:
    """A text encoder whose measured precision is remembered in the library."""
    record = library.root / "processor.json"
    return TextEncoder(name, record=record, allow_download=allow_download, device=device)


def shipped_sentiment(library: Library) -> SentimentModel | None:
    """The sentiment model of the demo, for corpora without ratings; None before it exists."""
    for folder in library.model_folders(DEMO):
        path = folder / "sentiment.safetensors"
        if PROJECT in path.parents and path.is_file():
            return SentimentModel.load(path)
    return None
