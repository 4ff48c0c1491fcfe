"""Files dropped into the browser, kept on disk while the server runs."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from streamlit.runtime.uploaded_file_manager import UploadedFile

_folder = tempfile.TemporaryDirectory(prefix="tastelines-", ignore_cleanup_errors=True)


def is_kept(path: Path) -> bool:
    """Whether a file was dropped into the browser."""
    return Path(_folder.name) in path.parents


def without_folder(text: str) -> str:
    """Words about a dropped file without the folder where it is kept."""
    return re.sub(rf"{re.escape(_folder.name)}/[^/]*/", "", text)


def keep(file: UploadedFile) -> Path:
    """Write an uploaded file under its own name, once; the folder goes when the server ends."""
    folder = Path(_folder.name) / file.file_id
    path = folder / (Path(file.name).name or "file")
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.seek(0)
        partial = path.with_name(path.name + ".part")
        with partial.open("wb") as out:
            while block := file.read(1 << 20):
                out.write(block)
        partial.replace(path)
    return path
