"""A corpus whose every field is a stranger's attempt to run or load something."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from core.access import Actor, Role, acting
from core.cohorts.everyone import measure_everyone
from core.cohorts.store import Cohort, CohortStore
from core.corpus.importing import import_files
from core.corpus.store import Library
from core.model.config import InterestConfig
from core.notebook import Finding, Notebook, Seen
from core.scenario.capsule import Capsule
from core.scenario.store import Scenario, ScenarioStore
from core.training.training import train
from pages._shared.state import TABLE

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
    *("", "users", "cohorts", "quality", "timeline", "explain", "what_if", "compare", "corpora"),
    *("notebook", "monitor"),
)
NAME = "hostile"
USERS = 26


def fill(library: Library, folder: Path, payloads: list[str] = PAYLOADS) -> list[str]:
    """Import and train the corpus, and save a finding, a scenario and a cohort; the user ids."""
    stride = 1 if len(payloads) == len(PAYLOADS) else 7

    def word(at: int, more: int = 0) -> str:
        return payloads[(at * stride + (stride - 1) * more) % len(payloads)]

    usual = [
        (user, item, step)
        for user in range(USERS)
        for step, item in enumerate(range(user, user + (25 if user < 2 else 8)))
    ]
    burst = [(user, user + more, 23) for user in range(2, USERS) for more in (8, 9)]  # an alarm
    rows = [
        {
            "user_id": f"{word(user)}{user}",
            "item_id": f"{word(item)}{item}",
            "timestamp": 1_700_000_000 + step * 86_400 + user + item,
            "rating": 1 + (user + step) % 5,
            "title": word(item + 7, user),
            "text": f"{word(item + step, user)} fine strings and a good sound",
        }
        for user, item, step in usual + burst
    ]
    source, described = folder / "hostile.jsonl", folder / "hostile-items.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    items = [
        {
            "item_id": f"{word(item)}{item}",
            "title": f"{word(item)} {item}",
            "category": payloads[item % 3],
        }
        for item in range(51)
    ]
    described.write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    known = folder / "hostile-users.jsonl"
    of_users = [
        {"user_id": f"{word(user)}{user}"}
        | {name: word(user % 3 + at) for at, name in enumerate(payloads)}
        for user in range(USERS)
    ]
    known.write_text("\n".join(map(json.dumps, of_users)), encoding="utf-8")
    import_files(library, NAME, [source], described, users=known)
    corpus = library.corpus(NAME)
    model = train(corpus, library, replace(InterestConfig(), epochs=1))
    measure_everyone(library, corpus, model)
    with acting(Actor(Role.EDITOR, payloads[1])):  # an owner's name is a stranger's word, too
        save(library, corpus.corpus_id, model.name, corpus.user_ids, payloads)
    return [f"{word(user)}{user}" for user in range(USERS)]


def save(
    library: Library, corpus_id: str, model_id: str, users: tuple[str, ...], payloads: list[str]
) -> None:
    """What people keep of it."""
    about = {"corpus": NAME, "corpus_id": corpus_id}
    query, notes = urlencode({"corpus": NAME, "user": users[0]}), "\n".join(payloads[:25])
    shown = {"title": payloads[11], "item": payloads[1], "sentence": payloads[3]}
    seen = Seen(page="timeline", query=query, user_id=users[0], **shown, **about)
    Notebook.open(library).save(Finding(payloads[0], seen, notes))
    for user in users:
        capsule = Capsule(
            format="tastelines-capsule",
            version=1,
            name=payloads[2][:90],
            model_id=model_id,
            user=user,
            steps=2,
            history="h",
            edits=[{"op": "edit", "step": 1, "text": payloads[5]}],
            recommender="joint",
            k=10,
            expected=[],
            **about,
        )
        ScenarioStore.open(library).save(Scenario(capsule, notes))
    cohort = Cohort(payloads[4][:90], NAME, corpus_id, model_id, 2, user_ids=users[:2], notes=notes)
    CohortStore.open(library).save(cohort)


def address(page: str, user: str) -> str:
    """A page about a user."""
    return f"/{page}?{urlencode({'corpus': NAME, 'user': user, 'time': 4})}"


def hostile_address(page: str, payloads: list[str] = PAYLOADS) -> str:
    """A page whose address holds a payload for every choice but the corpus."""
    keys = [key.name for key in TABLE if key.name != "corpus"]
    said = {
        name: payloads[(PAGES.index(page) + at) % len(payloads)] for at, name in enumerate(keys)
    }
    return f"/{page}?{urlencode({'corpus': NAME, **said})}"


def nothing_ran(page) -> bool:
    """Whether no payload ran or became an element that loads something."""
    script = """() => window.hit === undefined
        && !document.querySelector('[srcdoc], [onerror], [onload], [ontoggle], [onmouseover]')
        && !Array.from(document.querySelectorAll('[src], [href], [action]')).some(element =>
            ['src', 'href', 'action'].some(name =>
                /^(javascript:|http:..evil)/.test(element[name] || '')))"""
    return bool(page.evaluate(script))
