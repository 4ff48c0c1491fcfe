"""Files dropped into the browser, on disk while their session shows or imports them."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.jobs import Work
from core.progress import ProgressCallback, StopCallback
from pages._shared import loaders, state

LONGEST = 120
"""Bytes of a name before its endings."""
_NAME = re.compile(r"(?P<stem>.*?)(?P<endings>(\.[A-Za-z0-9]{1,12}){0,2})", re.DOTALL)
Result = TypeVar("Result")


def is_kept(path: Path) -> bool:
    """Whether a file was dropped into the browser."""
    return path.is_relative_to(loaders.session_folder().name)


def without_folder(text: str) -> str:
    """Words about a dropped file without the folder where it is kept."""
    home = re.escape(loaders.session_folder().name)
    return re.sub(rf"{home}/[^/]*/[^/]*/", "", text)


def safe_name(name: str) -> str:
    """A file name that every file system takes, from what a browser calls a file.

    Its last part without what cannot be printed, shortened; the endings stay, they tell the format.
    """
    last = re.split(r"[/\\]", name)[-1]
    printable = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in last)
    parts = _NAME.fullmatch(printable)
    stem, endings = (parts["stem"], parts["endings"]) if parts else (printable, "")
    short = stem.strip(". ").encode()[:LONGEST].decode(errors="ignore")
    return f"{short or 'file'}{endings}"


def key(slot: str, imported: str) -> str:
    """The key of an uploader: another one, so an empty one, once the files were imported.

    ``imported`` is where the session keeps the import that it started last.
    """
    job, rounds = state.get(imported), f"{imported}_rounds"
    if job is not None and job.state == "done":
        state.put(imported, None)
        state.put(rounds, (state.get(rounds) or 0) + 1)
    return f"import_{slot}{state.get(rounds) or ''}"


def keep(slot: str, files: Sequence[UploadedFile]) -> list[Path]:
    """The files of one uploader on disk, each once; those that it showed before are removed."""
    home = Path(loaders.session_folder().name) / slot
    folders = [hashlib.sha256(file.file_id.encode()).hexdigest()[:16] for file in files]
    for old in home.glob("*"):
        if old.name not in folders:
            shutil.rmtree(old, ignore_errors=True)
    paths = []
    for file, folder in zip(files, folders, strict=True):
        path = home / folder / safe_name(file.name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            file.seek(0)
            partial = path.with_name(path.name + ".part")
            with partial.open("wb") as out:
                shutil.copyfileobj(file, out, 1 << 20)
            partial.replace(path)
        paths.append(path)
    return paths


class Taken:
    """Files that a job reads: it goes on when their session ends, and they go when it does.

    Files of the person's own, named by path, stay where they are.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="tastelines-import-", ignore_cleanup_errors=True
        )

    def take(self, path: Path) -> Path:
        """The path under which the job reads a file."""
        if not path.is_relative_to(loaders.session_folder().name):
            return path
        target = Path(tempfile.mkdtemp(dir=self._folder.name)) / path.name
        target.hardlink_to(path)
        return target

    def until_done(self, work: Work[Result]) -> Work[Result]:
        """The work, after which the files are removed."""

        def run(progress: ProgressCallback, stop: StopCallback) -> Result:
            with self._folder:
                return work(progress, stop)

        return run
