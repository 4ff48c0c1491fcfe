"""What pyproject.toml can't say: in a wheel the folder ``core`` is the package ``tastelines``.

Imports of ``core`` and the command ``python -m core`` become ``tastelines`` in the copied files.
App, pages and settings go to ``tastelines/workbench``, the demo to ``tastelines/data``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
NAME = "tastelines"
IMPORT = re.compile(r"^(\s*(?:from|import) )core(?=[. ])", re.MULTILINE)
COMMAND, QUOTED = "python -m core", re.compile(r"(?<=``)core(?=\.)")
NO_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


class Build(build_py):
    """Copies ``core`` as ever, then the rest, then says ``tastelines`` everywhere."""

    def run(self) -> None:
        """Build into ``build_lib``."""
        package = Path(self.build_lib) / NAME
        shutil.rmtree(package, ignore_errors=True)  # modules that are gone by now
        super().run()
        shutil.copytree(HERE / "data" / "demo", package / "data" / "demo", ignore=NO_SOURCE)
        shutil.copytree(HERE / "pages", package / "workbench" / "pages", ignore=NO_SOURCE)
        shutil.copytree(HERE / ".streamlit", package / "workbench" / ".streamlit")
        shutil.copy(HERE / "app.py", package / "workbench")
        for path in package.rglob("*"):
            if path.suffix in (".py", ".jinja"):
                text = path.read_text(encoding="utf-8")
                for pattern in (IMPORT, QUOTED):
                    text = pattern.sub(lambda match: match[0].removesuffix("core") + NAME, text)
                path.write_text(text.replace(COMMAND, NAME), encoding="utf-8")


setup(
    packages=[NAME, *(f"{NAME}.{inner}" for inner in find_packages("core"))],
    package_dir={NAME: "core"},
    package_data={"": ["*.txt", "*.jinja", "**/*.toml", "**/*.mo", "**/*.po", "py.typed"]},
    cmdclass={"build_py": Build},
)
