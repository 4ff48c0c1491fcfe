"""Which files of this machine the path box may read."""

from __future__ import annotations

import os
from pathlib import Path

from core import access
from core.domain import DomainError
from core.language import tr
from pages._shared import loaders, signing

FOLDERS = "TASTELINES_FOLDERS"
"""Names the folders, as PATH does.

By default that where the app was started, and the library; none where people sign in.
"""


def folders() -> list[Path]:
    """Folders whose files may be read."""
    named = [
        Path(name).expanduser() for name in os.environ.get(FOLDERS, "").split(os.pathsep) if name
    ]
    usual = [] if signing.providers() else [Path.cwd(), loaders.library().root]
    return [folder.resolve() for folder in named or usual]


def allowed(typed: str) -> Path:
    """The file or folder that was typed, links followed; DomainError outside the folders.

    Editors only. What lies in a hidden folder, such as secrets, is outside.
    """
    access.need_editor(tr("reading files of the server"))
    try:
        path = Path(typed).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, an unknown ~user, a loop
        raise DomainError(tr("this cannot be a path"), where=typed) from None
    roots = folders()
    inside = [path.relative_to(root).parts for root in roots if path.is_relative_to(root)]
    if not any(not any(part.startswith(".") for part in parts) for parts in inside):
        if roots:
            remedy = tr(
                "Move the file to {folders}, drop it here, or start the app with {variable} naming "
                "its folder",
                folders=tr(" or ").join(map(str, roots)),
                variable=FOLDERS,
            )
        else:
            remedy = tr(
                "Drop it here, or start the app with {variable} naming its folder",
                variable=FOLDERS,
            )
        raise DomainError(tr("the app may not read files there"), where=str(path), remedy=remedy)
    return path
