"""Where the product's own files are: beside ``core`` in a checkout, inside an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PROJECT = PACKAGE.parent
INSTALLED = (PACKAGE / "workbench").is_dir()
"""Whether this is a wheel: ``setup.py`` puts app and pages there."""
DATA = (PACKAGE if INSTALLED else PROJECT) / "data"
"""What is shipped; a checkout also keeps its library there."""
APP = (PACKAGE / "workbench" if INSTALLED else PROJECT) / "app.py"


def usual_library() -> Path:
    """The library where none is named: ``data/library`` of a checkout, else the user's own data.

    That is ``tastelines`` in $XDG_DATA_HOME or ``~/.local/share``.
    """
    if not INSTALLED:
        return DATA / "library"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "tastelines"
