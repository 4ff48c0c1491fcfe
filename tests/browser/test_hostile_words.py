"""Words of strangers in every field of a corpus: no page and no export runs or loads anything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from core.corpus.importing import import_files
from core.corpus.store import Library
from core.model.config import InterestConfig
from core.notebook import Finding, Notebook, Seen
from core.training.training import train

HIT = "window.hit=1;fetch('http://evil.invalid/x')"
PAYLOADS = [
    f"<script>{HIT}</script>",
    f'<img src=x onerror="{HIT}">',
    '<img src="http://evil.invalid/a.png">',
    f'<svg onload="{HIT}"><circle r=1></svg>',
    f'<svg><animate onbegin="{HIT}" attributeName=x dur=1s></svg>',
    '<iframe src="http://evil.invalid/"></iframe>',
    f'<iframe srcdoc="<script>parent.{HIT}</script>"></iframe>',
    f'<body onload="{HIT}">',
    f'<details open ontoggle="{HIT}">x</details>',
    f'<video><source onerror="{HIT}"></video>',
    f'<a href="javascript:{HIT}">click</a>',
    f"[click](javascript:{HIT})",
    "![x](http://evil.invalid/b.png)",
    f"[x](http://evil.invalid/?a=1 '\" onmouseover={HIT}')",
    "<http://evil.invalid/auto>",
    "<style>@import url(http://evil.invalid/c.css);*{background:url(http://evil.invalid/d)}</style>",
    '<link rel=stylesheet href="http://evil.invalid/e.css">',
    '<meta http-equiv=refresh content="0;url=http://evil.invalid/">',
    '<base href="http://evil.invalid/">',
    '<form action="http://evil.invalid/"><button autofocus>x</button></form>',
    f'"><script>{HIT}</script>',
    f"</script><script>{HIT}</script>",
    f"{{{{constructor.constructor('{HIT}')()}}}} ${{{HIT}}} <%= {HIT} %>",
    f"$\\href{{javascript:{HIT}}}{{x}}$ $$\\includegraphics{{http://evil.invalid/f.png}}$$",
    f":red[x] :material/home: `x` <b>bold</b> \u2028 \u202e <math><script>{HIT}</script></math>",
]
PAGES = (
    *("", "users", "quality", "timeline", "explain", "what_if", "compare", "corpora"),
    "notebook",
)
NAME = "hostile"


@pytest.fixture(scope="module")
def user(app: str, app_library: Path) -> Iterator[str]:
    """A user of a corpus whose every field is a payload, in the running app's library."""
    library, source = Library.open(app_library), app_library.parent / "hostile.jsonl"
    rows = [
        {
            "user_id": f"{PAYLOADS[user % 25]}{user}",
            "item_id": f"{PAYLOADS[item % 25]}{item}",
            "timestamp": 1_700_000_000 + step * 86_400 + user,
            "rating": 1 + (user + step) % 5,
            "title": PAYLOADS[(item + 7) % 25],
            "text": f"{PAYLOADS[(item + step) % 25]} fine strings and a good sound",
        }
        for user in range(26)
        for step, item in enumerate(range(user, user + (25 if user < 2 else 8)))
    ]
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    items = app_library.parent / "hostile-items.jsonl"
    items.write_text(
        "\n".join(
            json.dumps(
                {
                    "item_id": f"{PAYLOADS[item % 25]}{item}",
                    "title": f"{PAYLOADS[item % 25]} {item}",
                    "category": PAYLOADS[item % 3],
                }
            )
            for item in range(51)
        ),
        encoding="utf-8",
    )
    import_files(library, NAME, [source], items)
    train(library.corpus(NAME), library, replace(InterestConfig(), epochs=1))
    user_id, notebook = f"{PAYLOADS[0]}0", Notebook.open(library)
    seen = Seen(
        page="timeline",
        title=PAYLOADS[11],
        query=urlencode({"corpus": NAME, "user": user_id}),
        corpus=NAME,
        corpus_id=library.corpus(NAME).corpus_id,
        user_id=user_id,
        item=PAYLOADS[1],
        sentence=PAYLOADS[3],
    )
    finding = notebook.save(Finding(PAYLOADS[0], seen, "\n".join(PAYLOADS)))
    yield user_id
    notebook.delete(finding)
    for kind in ("corpora", "models"):
        shutil.rmtree(app_library / kind / NAME)


def nothing_ran(page) -> bool:
    """Whether no payload ran or became an element that loads something."""
    script = """() => window.hit === undefined
        && !document.querySelector('[srcdoc], [onerror], [onload], [ontoggle], [onmouseover]')
        && !Array.from(document.querySelectorAll('[src], [href], [action]')).some(element =>
            ['src', 'href', 'action'].some(name =>
                /^(javascript:|http:..evil)/.test(element[name] || '')))"""
    return bool(page.evaluate(script))


@pytest.mark.parametrize("name", PAGES)
def test_hostile_words_run_nothing_and_load_nothing(
    name: str, open_tab, user: str, tmp_path: Path
) -> None:
    tab = open_tab()
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    tab.open(f"/{name}?{urlencode({'corpus': NAME, 'user': user})}")
    tab.page.wait_for_timeout(2_000)
    tab.idle()
    assert nothing_ran(tab.page), name
    if name not in ("", "users", "corpora", "quality"):  # the words are there, as words
        tab.page.wait_for_function("() => document.body.innerText.includes('window.hit')")
    export = tab.page.get_by_role("button", name="Export", exact=True)
    if export.count():
        export.first.click()
        labels = tab.page.get_by_test_id("stPopoverBody").get_by_role("button").all_inner_texts()
        for label in [label for label in labels if "HTML" in label]:
            tab.take(label, tmp_path)
        for report in tmp_path.glob("*.html"):
            tab.page.goto(report.as_uri())
            tab.page.wait_for_timeout(1_000)
            assert nothing_ran(tab.page), report.name
        tab.outside[:] = [url for url in tab.outside if not url.startswith("file:")]
    assert not dialogs
