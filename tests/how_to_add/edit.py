"""The new kind of edit runs through the verb whatif, and on the What-if page."""

from __future__ import annotations

import json

from core.cli import main

WHAT_IF = "pages/what_if.py"


def test_the_verb_names_it_as_the_cause(demo, busy_user, tmp_path, capsys) -> None:
    last = len(demo.history(busy_user))
    known = {event.item_id for event in demo.history(busy_user).events}
    other = next(item for item in demo.item_ids if item not in known)
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"op": "swap", "step": last, "item_id": other}]))
    assert main(["whatif", "demo", "--user", busy_user, "--edits", str(edits), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["fork_step"] == last
    assert any(move["cause"].get("kind") == "swap" for move in facts["moves"])
    edits.write_text(json.dumps([{"op": "swap", "step": last}]))
    assert main(["whatif", "demo", "--user", busy_user, "--edits", str(edits)]) == 2
    assert "swap needs item_id" in capsys.readouterr().err


def test_the_page_makes_it_and_says_so(demo, busy_user, open_app) -> None:
    app = open_app(WHAT_IF, corpus="demo", user=busy_user)
    other = demo.item_ids[0]
    app.selectbox(key="whatif_swap_item").set_value(other)
    next(button for button in app.button if button.label == "Swap the item").click().run()
    assert not app.exception
    history = next(table.value for table in app.dataframe if "change" in table.value)
    row = history[history["change"] == "⇄ item"]
    assert row["item"].tolist() == [other]
    causes = next(table.value["cause"] for table in app.dataframe if "cause" in table.value)
    assert any(f"the item {other}" in cause for cause in causes)
