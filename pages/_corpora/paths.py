"""Which files of this machine the path box may read."""

from __future__ import annotations

import os
from pathlib import Path

from core.domain import DomainError
from pages._shared import loaders

FOLDERS = "TASTELINES_FOLDERS"
"""Names the folders, as PATH does; by default that where the app was started, and the library."""


def folders() -> list[Path]:
    """Folders whose files may be read."""
    named = [
        Path(name).expanduser() for name in os.environ.get(FOLDERS, "").split(os.pathsep) if name
    ]
    return [folder.resolve() for folder in named or [Path.cwd(), loaders.library().root]]


def allowed(typed: str) -> Path:
    """The file or folder that was typed, links followed; DomainError outside the folders."""
    try:
        path = Path(typed).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, an unknown ~user, a loop
        raise DomainError("this cannot be a path", where=typed) from None
    roots = folders()
    if not any(path.is_relative_to(root) for root in roots):
        raise DomainError(
            "the app may not read files there",
            where=str(path),
            remedy=f"Move the file to {' or '.join(map(str, roots))}, drop it here, or start the "
            f"app with {FOLDERS} naming its folder",
        )
    return path
