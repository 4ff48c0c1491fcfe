"""The workbench started among a stranger's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import main
from core.home import APP

SETTINGS = """
[server]
corsAllowedOrigins = ["http://evil.example"]
allowedHosts = ["evil.example"]
address = "0.0.0.0"
enableXsrfProtection = false
enableCORS = false
[client]
allowedOrigins = ["http://evil.example"]
"""
READ = """
import json, sys
from streamlit import config
config._main_script_path = sys.argv[1]
names = ("corsAllowedOrigins", "allowedHosts", "address", "enableXsrfProtection", "enableCORS")
print(json.dumps([config.get_option(f"server.{name}") for name in names]))
print(json.dumps(config.get_option("client.allowedOrigins")))
"""


def test_files_where_it_is_started_are_neither_run_nor_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _path, words, _environment: started.append(words))
    assert main(["app", "--no-browser", "--library", str(tmp_path / "library")]) == 0
    home = Path("~/.config/tastelines/secrets.toml").expanduser()
    assert f"--secrets.files={home}" in started[0]
    command = started[0][: started[0].index("streamlit")]
    for name in ("streamlit.py", "click.py", "sitecustomize.py"):
        (tmp_path / name).write_text("open('ran', 'w').close()\n")
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit/config.toml").write_text(SETTINGS)
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    options = {"cwd": tmp_path, "env": plain, "check": True, "text": True}
    subprocess.run([*command, "streamlit", "--version"], **options, stdout=subprocess.DEVNULL)
    assert not (tmp_path / "ran").exists()
    done = subprocess.run(
        [sys.executable, "-P", "-c", READ, str(APP)], **options, stdout=subprocess.PIPE
    )
    server, origins = map(json.loads, done.stdout.splitlines())
    hosts = ["127.0.0.1", "localhost", "::1"]
    assert (server, origins) == ([[], hosts, "127.0.0.1", True, True], [])
