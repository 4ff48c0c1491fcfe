"""The verb map: figures of the demo's map, without a second one."""

from __future__ import annotations

import json

from core.cli import main


def test_the_map_says_what_it_keeps(demo_library, capsys) -> None:
    assert main(["map", "demo", "--library", str(demo_library.root), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert 0.8 < facts["trustworthiness"] < 1 and 0.8 < facts["continuity"] < 1
    assert facts["second"] is None and facts["atlas"] is None
