"""Vectors addressed by content: a text is encoded once in its life.

The key is a hash of the text under the encoder's id, so a second corpus with the same text reuses
the vector and a killed run goes on where it stopped. Vectors are kept as float16.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray, check_array
from core.cluster import is_node, is_same_machine
from core.corpus.store import DEMO, Library
from core.domain import DomainError
from core.encode.encoder import TextEncoder
from core.encode.multilingual import MULTILINGUAL, multilingual_folder
from core.encode.on_nodes import encode_each
from core.encode.sentiment import SentimentModel
from core.files import Damaged, load_arrays, read_only_address, reason_of, save_arrays, verify
from core.home import DATA
from core.language import tr
from core.progress import Progress, ProgressCallback, StopCallback, report

_CHUNK = 512
_LONGEST = 1200
"""Characters of a text that cost time, about: the encoder reads its first 256 tokens."""
_KEY_BYTES = 16
_SQL_VARIABLES = 900
_IN_MEMORY = 100_000
"""Vectors kept at hand per process: about 80 MB at 384 dimensions."""
PATIENCE = 5.0
"""Seconds that a reader waits for another program's lock."""
UNIT_WITHIN = 5e-3
"""How far the length of a vector in half precision is from 1."""
NOT_WRITABLE = (
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
)
_HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE name = 'vectors'"  # no sentence
REBUILD = "python -m core demo"  # no sentence
CACHE_FILE = "vectors.sqlite"
DEMO_PACK = DATA / DEMO / "vectors.safetensors"


def text_key(text: str) -> bytes:
    """Address of a text: 16 bytes of its BLAKE2b hash."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=_KEY_BYTES).digest()


class VectorCache:
    """A SQLite file (WAL) of vectors, in front of it any number of read-only packs.

    Unless new vectors are to be kept, the file is read as it is.
    """

    def __init__(
        self, path: Path | None, packs: Iterable[Path] = (), *, keeps: bool = True
    ) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None
        self._memory: dict[tuple[str, bytes], npt.NDArray[np.float16]] = {}
        self._packs: dict[str, dict[bytes, npt.NDArray[np.float16]]] = {}
        self._is_kept = keeps
        for pack in packs:
            keys, vectors, encoder_id = _read_pack(pack)
            known = self._packs.setdefault(encoder_id, {})
            for row, vector in enumerate(vectors):
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
        missing = [key for key in wanted if len(known.get(key, ())) != encoder.dim]
        # Long texts first, so that the time left is never underestimated.
        missing.sort(key=lambda key: (-len(wanted[key]), key))
        sizes = np.cumsum([0, *(min(len(wanted[key]), _LONGEST) for key in missing)])
        began = time.monotonic()
        chunks = [missing[start : start + _CHUNK] for start in range(0, len(missing), _CHUNK)]

        def within(step: Progress) -> None:
            left = (time.monotonic() - began) * (sizes[-1] / max(sizes[step.done], 1) - 1)
            told = float(left) if step.done else None
            report(progress, Progress(step.stage, step.done, len(missing), told))

        spoken = [[wanted[key] for key in chunk] for chunk in chunks]
        answers = encode_each(encoder, spoken, within, stop)
        for chunk, encoded in zip(chunks, answers, strict=True):
            half = encoded.astype(np.float16)
            self._store(encoder.encoder_id, chunk, half)
            known.update(zip(chunk, half, strict=True))
        out = np.zeros((len(texts), encoder.dim), dtype=np.float32)
        for row, key in enumerate(keys):
            if key:
                out[row] = known[key]
        return out

    def check(self) -> None:
        """DomainError where the file can't be read; nothing is changed."""
        assert self._path is not None
        try:
            address = read_only_address(self._path)
            with self._translated(), closing(sqlite3.connect(address, uri=True)) as connection:
                if connection.execute(_HAS_TABLE).fetchone():
                    connection.execute(
                        "SELECT encoder, key, vector FROM vectors LIMIT 1"
                    ).fetchone()
        except NoPlace as error:
            raise DomainError(
                tr("the vector cache can't be read: {reason}", reason=error),
                where=str(self._path),
                remedy=tr("Check the permissions of the file and the disk"),
            ) from None

    def settle(self) -> None:
        """Write the log back into the file, so that other machines can read it as it is."""
        if self._path is not None and self._path.is_file():
            with suppress(NoPlace), self._lock, self._translated(), self._connect() as connection:
                if self._is_kept:
                    done = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    if done[0]:
                        said = "%s is in use: nodes encode anew what was added last"  # no sentence
                        logging.getLogger(__name__).warning(said, self._path)

    def hold(self, texts: Sequence[str], vectors: FloatArray, encoder: TextEncoder) -> None:
        """Keep vectors float32[n_texts, dim] at hand in this process, without writing them down.

        For texts that nobody wrote, such as a review without one of its words.
        """
        half = vectors.astype(np.float16)
        keys = [text_key(text) for text in texts]
        self._remember(encoder.encoder_id, dict(zip(keys, half, strict=True)))

    def forget(self) -> None:
        """Drop the vectors at hand that the file holds, or that nobody wrote."""
        if self._path is not None and self._is_kept:
            self._memory.clear()

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
            found = self._read_anyhow(encoder_id, unknown)
            known |= found
            self._remember(encoder_id, found)
        return known

    def _read_anyhow(
        self, encoder_id: str, keys: list[bytes]
    ) -> dict[bytes, npt.NDArray[np.float16]]:
        """As ``_read``; without vectors where the file can't be read.

        A node can't tell a file that another machine writes meanwhile from a damaged one: it knows
        nothing, and opens the file anew the next time.
        """
        try:
            try:
                return self._read(encoder_id, keys)
            except NoPlace:  # nothing can be written, which a log needs; it can be read as it is
                self._is_kept = False
                return self._read(encoder_id, keys)
        except NoPlace:
            return {}
        except DomainError:
            if not is_node():
                raise
            with self._lock, suppress(sqlite3.Error):
                if self._open is not None:
                    self._open.close()
                self._open = None
            return {}

    def _read(self, encoder_id: str, keys: list[bytes]) -> dict[bytes, npt.NDArray[np.float16]]:
        """The vectors of some keys in the file."""
        found: dict[bytes, npt.NDArray[np.float16]] = {}
        with self._lock, self._translated(), self._connect() as connection:
            if not connection.execute(_HAS_TABLE).fetchone():
                return found  # what an interrupted first start leaves
            for start in range(0, len(keys), _SQL_VARIABLES):
                part = keys[start : start + _SQL_VARIABLES]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT key, vector FROM vectors WHERE encoder = ? AND key IN ({marks})",
                    [encoder_id, *part],
                )
                for key, blob in rows:
                    vector = _vector_of(blob)
                    if vector is not None:
                        found[key] = vector
        return found

    def _remember(self, encoder_id: str, vectors: dict[bytes, npt.NDArray[np.float16]]) -> None:
        most = _IN_MEMORY if self._is_kept else 5 * _IN_MEMORY
        if self._path is not None and len(self._memory) + len(vectors) > most:
            self._memory.clear()
        self._memory.update(((encoder_id, key), vector) for key, vector in vectors.items())

    def _store(self, encoder_id: str, keys: list[bytes], vectors: npt.NDArray[np.float16]) -> None:
        """Write vectors down; where there is no place for them they stay in this process."""
        self._remember(encoder_id, dict(zip(keys, vectors, strict=True)))
        if self._path is None or not self._is_kept:
            return
        try:
            with self._lock, self._translated(), self._connect() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors (encoder, key, vector) VALUES (?, ?, ?)",
                    [
                        (encoder_id, key, _blob_of(vector))
                        for key, vector in zip(keys, vectors, strict=True)
                    ],
                )
        except NoPlace:
            self._is_kept = False

    def _connect(self) -> sqlite3.Connection:
        """The one connection, for use under the lock; as a context it is one transaction.

        It stays open, because closing the last one writes the log back, which takes longer than
        encoding a review. A vector lost to a power cut is made again, so commits don't wait for it.
        Where nothing can be written the file is read as it is.
        """
        assert self._path is not None
        if self._open is not None and self._path.is_file():
            return self._open
        places = [place for place in (self._path.parent, self._path) if place.exists()]
        if not all(os.access(place, os.W_OK) for place in places):
            self._is_kept = False
        address = self._address()
        if self._is_kept:
            address = self._path.absolute().as_uri()
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise NoPlace(str(error)) from None
        connection = sqlite3.connect(address, uri=True, timeout=PATIENCE, check_same_thread=False)
        if self._is_kept:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (encoder TEXT NOT NULL, key BLOB NOT NULL, "
                "vector BLOB NOT NULL, PRIMARY KEY (encoder, key)) WITHOUT ROWID"
            )
        self._open = connection
        return connection

    def _address(self) -> str:
        """How the file is read: on a node of another machine without its log, which is of one."""
        assert self._path is not None
        if not is_node():
            return read_only_address(self._path)
        is_written = self._path.with_name(f"{self._path.name}-wal").exists()
        how = "mode=ro" if is_same_machine() and is_written else "immutable=1"  # no sentence
        return f"{self._path.absolute().as_uri()}?{how}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors in words for a person; ``NoPlace`` where only writing fails."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in NOT_WRITABLE:
                raise NoPlace(str(error)) from None
            problem = tr("the vector cache is damaged: {reason}", reason=error)
            remedy = tr("Delete the file; its vectors are made again when needed")
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                problem = tr(
                    "the vector cache is in use by another program: {reason}", reason=error
                )
                remedy = tr("Close it, or try again in a moment")
            raise DomainError(problem, where=str(self._path), remedy=remedy) from error


def damaged_rows(path: Path) -> int:
    """How many stored vectors are not what was written."""
    with closing(sqlite3.connect(read_only_address(path), uri=True)) as connection:
        if not connection.execute(_HAS_TABLE).fetchone():
            return 0
        rows = connection.execute("SELECT vector FROM vectors")
        return sum(_vector_of(blob) is None for (blob,) in rows)


class NoPlace(Exception):
    """The library can't take new vectors: it is full, or must not be written."""


def _blob_of(vector: npt.NDArray[np.float16]) -> bytes:
    """A vector as it is stored: its numbers and their CRC-32."""
    content = vector.tobytes()
    return content + zlib.crc32(content).to_bytes(4, "little")


def _vector_of(blob: object) -> npt.NDArray[np.float16] | None:
    """A stored vector; None where its bytes were changed, so that it is made again.

    Older versions stored no CRC: then it must have unit length.
    """
    if not isinstance(blob, bytes) or len(blob) < 4 or len(blob) % 2:
        return None
    content, check = blob[:-4], int.from_bytes(blob[-4:], "little")
    if zlib.crc32(content) == check:
        return np.frombuffer(content, dtype=np.float16)
    vector = np.frombuffer(blob, dtype=np.float16)
    length = float(np.linalg.norm(vector.astype(np.float64)))
    return vector if abs(length - 1.0) < UNIT_WITHIN else None


def _read_pack(path: Path) -> tuple[bytes, npt.NDArray[np.float16], str]:
    """Keys one after the other, their vectors, and the encoder's id; ``Damaged`` for another."""
    remedy = tr("Restore the file, or rebuild the demo: {command}", command=REBUILD)
    verify(path.parent, (path.name,), remedy=remedy)
    try:
        arrays, header = load_arrays(path)
        n = len(arrays["keys"])
        keys = check_array("keys", arrays["keys"], np.uint8, (n, _KEY_BYTES))
        vectors = check_array("vectors", arrays["vectors"], np.float16, (n, None))
        return keys.tobytes(), vectors, header["encoder_id"]
    except (OSError, ValueError, KeyError) as error:
        raise Damaged(
            tr("the shipped vectors are damaged: {reason}", reason=reason_of(error)),
            where=str(path),
            remedy=remedy,
        ) from None


def open_cache(library: Library) -> VectorCache:
    """The library's vector cache, with the demo's shipped vectors in front of it.

    A node of a cluster keeps nothing there: SQLite's log is for processes of one machine. What it
    can't read there it doesn't know.
    """
    packs = [DEMO_PACK] if DEMO_PACK.is_file() else []
    return VectorCache(library.root / CACHE_FILE, packs, keeps=not is_node())


def open_encoder(
    library: Library,
    name: str | None = None,
    *,
    allow_download: bool = False,
    device: str = "cpu",
    progress: ProgressCallback | None = None,
) -> TextEncoder:
    """A text encoder whose measured precision is remembered in the library.

    The multilingual one is read from its package into the library where it isn't there yet.
    """
    folder = multilingual_folder(library, progress) if name == MULTILINGUAL else None
    return TextEncoder(
        name,
        record=library.root / "processor.json",
        allow_download=allow_download,
        device=device,
        folder=folder,
    )


def check_encoder(encoder: TextEncoder, encoder_id: str, corpus: str) -> None:
    """DomainError where a model of a corpus was trained with another encoder of this name."""
    if encoder.encoder_id != encoder_id:
        raise DomainError(
            tr("the encoder {name!r} has changed since the model was trained", name=encoder.name),
            where=str(encoder.folder),
            remedy=tr(
                "Restore its files, or train again: {command}",
                command=f"python -m core train {corpus}",  # no sentence
            ),
        )


def shipped_sentiment(library: Library) -> SentimentModel | None:
    """The sentiment model of the demo, for corpora without ratings; None before it exists."""
    for folder in library.model_folders(DEMO):
        path = folder / "sentiment.safetensors"
        if DATA / DEMO in path.parents:
            remedy = tr("Restore the file, or rebuild the demo: {command}", command=REBUILD)
            verify(folder, (path.name,), remedy=remedy)
            try:
                return SentimentModel.load(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise Damaged(
                    tr("the shipped sentiment is damaged: {reason}", reason=reason_of(error)),
                    where=str(path),
                    remedy=remedy,
                ) from None
    return None
