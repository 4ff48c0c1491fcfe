"""Roles: who may do what, whichever way the work is begun, and whom a file of roles lets in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import access, jobs
from core.access import Access, Actor, Refused, Role, acting, read_access
from core.cohorts.store import Cohort, CohortStore
from core.corpus.corpus import Corpus
from core.corpus.importing import import_files
from core.corpus.own import own_history, write_own
from core.corpus.store import Library
from core.domain import DomainError
from core.evaluate.importing_lists import import_lists
from core.files import replace_text
from core.notebook import Finding, Notebook, Seen
from core.pool import Pool
from core.processes import Task
from core.scenario.capsule import Capsule
from core.scenario.own import keep_own
from core.scenario.store import Scenario, ScenarioStore
from core.scenario.unsaved import Unsaved, to_address
from core.training.training import train
from core.training.tuning import tune
from core.training.updating import update
from tests.core import told

ANN, EVE, VIC = (Actor(Role.EDITOR, "ann@x.org"), Actor(Role.VIEWER, "eve@x.org"),
                 Actor(Role.VIEWER, "vic@x.org"))  # fmt: skip
CAPSULE = Capsule(
    format="tastelines-capsule",
    version=1,
    name="mine",
    corpus="shop",
    corpus_id="c",
    model_id="m",
    user="u0",
    steps=3,
    history="h",
    edits=[{"op": "delete", "step": 1}],
    recommender="joint",
    k=10,
    expected=[],
)
ROLES = {
    "no sign-in": access.EVERYTHING,
    "stranger": access.NOTHING,
    "in no list": Actor(Role.STRANGER, "mal@x.org"),
    "read-only": Actor(Role.VIEWER),
    "viewer": VIC,
    "editor": ANN,
}
EDITORS = {"no sign-in", "editor"}
NAMED = EDITORS | {"viewer"}
READERS = NAMED | {"read-only"}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library with a corpus of two users."""
    source = tmp_path / "rows.csv"
    source.write_text(
        "user_id,item_id,timestamp,rating\n"
        + "".join(f"u{at % 2},i{at % 5},{1_700_000_000 + at * 9},3\n" for at in range(20))
    )
    library = Library.open(tmp_path / "library")
    import_files(library, "shop", [source])
    return library


def with_job(act: Callable[[jobs.Job[Any]], object]) -> None:
    """Do something to a running training, or one that has ended, that an editor began."""
    go = threading.Event()
    with acting(ANN):
        job = jobs.start("train", "somebody's", lambda progress, stop: go.wait(10))
    try:
        act(job)
    finally:
        go.set()
        with acting(ANN):
            jobs.forget(ended(job).number)


def cohort(owner: str = "") -> Cohort:
    return Cohort("two", "shop", "c", "m", 2, user_ids=("u0", "u1"), owner=owner)


def finding() -> Finding:
    return Finding("seen", Seen(page="users", title="Users", query="", corpus="shop", corpus_id=""))


def saved_by(actor: Actor, library: Library) -> Cohort:
    with acting(actor):
        return CohortStore.open(library).save(cohort())


def own_events(corpus: Corpus) -> list[Any]:
    return list(corpus.history("u0").events)


def keep(library: Library) -> None:
    place = library.root / "evaluations" / "some"
    place.unlink(missing_ok=True)
    library.keep(place, lambda path: replace_text(path, "x"))
    if not place.exists():
        raise Refused("nothing was kept")


def ended(job: jobs.Job[Any]) -> jobs.Job[Any]:
    job.future.exception(10)
    return job


VERBS: dict[str, tuple[set[str], Callable[[Library, Corpus], object]]] = {
    "open the library": (READERS, lambda library, _: Library.open(library.root)),
    "start a job": (
        EDITORS,
        lambda *_: jobs.forget(ended(jobs.start("import", "t", lambda progress, stop: 1)).number),
    ),
    "start a job that reads": (
        READERS,
        lambda *_: jobs.forget(
            ended(jobs.start("monitor", "t", lambda progress, stop: 1, reads=True)).number
        ),
    ),
    "start a task": (
        EDITORS,
        lambda library, _: jobs.forget(
            ended(jobs.start("train", "told", Task(told.refuse, library.root, {}))).number
        ),
    ),
    "stop a job": (EDITORS, lambda *_: with_job(lambda job: job.stop())),
    "put a job away": (EDITORS, lambda *_: with_job(lambda job: job.put_away())),
    "remove a job": (EDITORS, lambda *_: with_job(lambda job: jobs.forget(job.number))),
    "stop one's own question": (
        READERS | {"stranger", "in no list"},
        lambda *_: jobs.Job("search", "t", lambda progress, stop: 1).stop(),
    ),
    "import": (
        EDITORS,
        lambda library, corpus: library.write(
            "new", corpus.events, corpus.items, rating_scale=(1.0, 5.0)
        ),
    ),
    "replace": (
        EDITORS,
        lambda library, corpus: library.write(
            "shop", corpus.events[:9], corpus.items, rating_scale=(1.0, 5.0)
        ),
    ),
    "publish": (
        EDITORS,
        lambda library, corpus: library.publish(library.root / "nothing", corpus.manifest),
    ),
    "train": (
        EDITORS,
        lambda library, corpus: train(replace(corpus, events=corpus.events[:1]), library),
    ),
    "update": (EDITORS, lambda library, corpus: update(corpus, library)),
    "tune": (EDITORS, lambda library, corpus: tune(corpus, library, -1)),
    "import lists": (
        EDITORS,
        lambda library, corpus: import_lists(corpus, library, Path("none.csv"), "served"),
    ),
    "keep a result": (EDITORS, lambda library, _: keep(library)),
    "save a cohort": (NAMED, lambda library, _: CohortStore.open(library).save(cohort())),
    "change one's own": (
        NAMED,
        lambda library, _: CohortStore.open(library).save(saved_by(access.current(), library)),
    ),
    "change somebody's": (
        EDITORS,
        lambda library, _: CohortStore(library.root / "cohorts.sqlite").save(
            saved_by(EVE, library)
        ),
    ),
    "change one of before sign-in": (
        EDITORS,
        lambda library, _: CohortStore(library.root / "cohorts.sqlite").save(
            saved_by(access.EVERYTHING, library)
        ),
    ),
    "delete somebody's": (
        EDITORS,
        lambda library, _: CohortStore(library.root / "cohorts.sqlite").delete(
            saved_by(EVE, library)
        ),
    ),
    "claim somebody's": (
        EDITORS,
        lambda library, _: CohortStore(library.root / "cohorts.sqlite").save(
            replace(saved_by(EVE, library), owner=VIC.name)
        ),
    ),
    "keep a finding": (NAMED, lambda library, _: Notebook.open(library).keep(finding(), "{}")),
    "keep an own history": (
        NAMED,
        lambda library, corpus: keep_own(library, "shop", own_events(corpus)),
    ),
    "write an own history": (
        NAMED,
        lambda library, corpus: write_own(
            library.root, "shop", own_history("shop", own_events(corpus)), ()
        ),
    ),
    "keep long edits": (
        NAMED,
        lambda library, _: to_address(
            Unsaved(notes="".join(f"{number * 7919 % 10007:x}" for number in range(3000))), library
        ),
    ),
}


def files_of(library: Library) -> dict[str, int]:
    """What is in the library, locks and logs of SQLite aside."""
    kept = (path for path in library.root.rglob("*") if path.is_file())
    return {
        str(path): path.stat().st_size for path in kept if path.suffix not in ("", ".sqlite-wal")
    }


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_asks_who_acts(verb: str, library: Library) -> None:
    allowed, act = VERBS[verb]
    corpus, passed = library.corpus("shop"), set()
    for role, actor in ROLES.items():
        before = files_of(library)
        with acting(actor):
            try:
                act(library, corpus)
            except Refused:
                own = {name for name in files_of(library) if "cohorts" in name}
                assert set(files_of(library)) - own == set(before) - own
                continue
            except (DomainError, OSError):
                pass  # it went on, and failed for another reason
        passed.add(role)
    assert passed == allowed


def test_a_scenario_is_kept_under_its_owner_s_name(tmp_path: Path) -> None:
    store = ScenarioStore(tmp_path / "scenarios.sqlite")
    with acting(VIC):
        mine = store.save(Scenario(CAPSULE))
        assert mine.owner == VIC.name and store.load(mine.scenario_id).owner == VIC.name
    with acting(EVE):
        assert [each.owner for each in store.scenarios()] == [VIC.name]
        with pytest.raises(Refused, match="for editors and for vic@x"):
            store.delete(mine)
        copy = store.duplicate(mine)
        assert copy.owner == EVE.name
    with acting(ANN):
        edited = store.save(replace(mine, notes="looked at"))
        assert edited.owner == VIC.name
    with acting(VIC):
        store.delete(edited)
    with store._writing() as connection:
        connection.execute("UPDATE owners SET owner = 'mal@x.org' WHERE owner = ?", (EVE.name,))
    assert store.scenarios() == [] and store.count_unreadable() == 1


def test_a_job_goes_on_as_who_started_it(library: Library) -> None:
    def work(progress, stop):
        return access.current()

    with acting(ANN):
        assert ended(jobs.start("import", "whose", work)).result == ANN
    with acting(VIC):
        assert ended(jobs.Job("search", "whose", work, pool=Pool(1))).result == VIC
    assert ended(jobs.Job("search", "whose", work)).result == access.EVERYTHING


def test_work_that_only_reads_is_for_who_asked_and_for_editors_to_stop() -> None:
    go = threading.Event()
    with acting(VIC):
        job = jobs.start("monitor", "of vic", lambda progress, stop: go.wait(10), reads=True)
    with acting(EVE):
        assert jobs.start("monitor", "of vic", lambda *_: None, reads=True) is job
        assert not job.may_stop
        for act in (job.stop, job.put_away, lambda: jobs.forget(job.number)):
            with pytest.raises(Refused):
                act()
        others = [
            jobs.start("monitor", str(at), lambda *_: go.wait(10), reads=True) for at in range(4)
        ]
    threads = [each.name for each in threading.enumerate() if each.name.startswith("monitor ")]
    assert len(threads) == 2
    go.set()
    ended(job)
    with acting(VIC):
        assert job.may_stop
        jobs.forget(job.number)
    assert job not in jobs.jobs()
    with acting(ANN):
        for each in others:
            jobs.forget(ended(each).number)


def test_read_only_makes_everybody_a_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(access.READ_ONLY, "1")
    assert access.current() == Actor(Role.VIEWER)
    with acting(ANN), pytest.raises(Refused, match="Start it without TASTELINES_READ_ONLY"):
        access.need_editor("importing")
    with acting(VIC), pytest.raises(Refused, match="needs a name"):
        access.need_owner("saving a cohort", VIC.name)
    with acting(access.NOTHING), pytest.raises(Refused, match="not signed in"):
        access.need_reader()
    with access.in_scratch():
        access.need_editor("reading a history")
        assert ended(jobs.Job("search", "t", lambda *_: access.may_edit())).result is False
    monkeypatch.setenv(access.READ_ONLY, "0")
    assert access.current().is_editor


FILE = """
hours = 8
[editors]
emails = ["Ann@Example.com", "sam@example.com"]
claims = {"realm.roles" = ["taste"]}
[viewers]
domains = ["example.com", "strasse.org"]
claims = {groups = ["analysts"]}
"""
CLAIMS: list[tuple[dict[str, Any], Role]] = [
    ({"email": "ann@example.com"}, Role.EDITOR),
    ({"email": "ANN@EXAMPLE.COM", "email_verified": True}, Role.EDITOR),
    ({"email": "ann@example.com", "email_verified": False, "sub": "1"}, Role.STRANGER),
    ({"email": "ann@example.com", "email_verified": "false", "sub": "1"}, Role.STRANGER),
    ({"email": "bob@example.com"}, Role.VIEWER),
    ({"email": "bob@evil.com.example.com"}, Role.STRANGER),
    ({"email": "bob@evil.com"}, Role.STRANGER),
    ({"email": "bob@evil.com\n@example.com"}, Role.STRANGER),
    ({"email": "a@evil.com@example.com"}, Role.STRANGER),
    ({"email": ["ann@example.com"]}, Role.STRANGER),
    ({"email": "\u017fam@example.com", "sub": "1"}, Role.STRANGER),
    ({"email": "eve@\u017fmall.example.com"}, Role.STRANGER),
    ({"email": "eve@stra\u00dfe.org"}, Role.STRANGER),
    ({"sub": "7", "realm": {"roles": ["taste", 3]}}, Role.EDITOR),
    ({"sub": "7", "realm.roles": "taste"}, Role.EDITOR),
    ({"sub": "7", "realm": ["roles"]}, Role.STRANGER),
    ({"sub": "7", "groups": ["analysts"]}, Role.VIEWER),
    ({"sub": "7", "groups": "analysts and others"}, Role.STRANGER),
    ({"groups": ["analysts"]}, Role.STRANGER),
    ({}, Role.STRANGER),
]


def test_lists_domains_and_claims_give_a_role(tmp_path: Path) -> None:
    (tmp_path / access.FILE).write_text(FILE)
    allowed = read_access(tmp_path)
    for claims, role in CLAIMS:
        assert allowed.actor({"iss": "https://login", **claims}).role is role, claims
    assert not allowed.is_over({"iat": 1000}, 1000 + 8 * 3600 - 1)
    for over in ({"iat": 1000}, {"iat": True}, {"iat": "1000"}, {"iat": float("nan")}, {}):
        assert allowed.is_over(over, 1000 + 8 * 3600)


def test_an_id_is_nobody_s_e_mail_and_only_named_providers_are_trusted() -> None:
    allowed = Access(viewers=access.People(claims={"groups": ["a"]}))
    facts = {"sub": "ann@x.org", "iss": "https://login", "groups": "a"}
    assert allowed.actor(facts) == Actor(Role.VIEWER, "sub:https://login#ann@x.org")
    assert access.email_of({"email": "sub:https://login#ann@x.org"}) == ""
    one = allowed.model_copy(update={"issuers": ["https://login"]})
    assert one.actor(facts).role is Role.VIEWER
    assert one.actor(facts | {"iss": "https://other"}).role is Role.STRANGER


def test_a_place_in_nobody_s_home_folder_is_said(tmp_path: Path, monkeypatch) -> None:
    for variable, place in (
        (access.ACCESS, lambda: access.access_file(tmp_path)),
        (access.SECRETS, access.secrets_file),
    ):
        monkeypatch.setenv(variable, "~nobody-of-this-name/x")
        with pytest.raises(DomainError, match=f"no such home folder .*Set {variable}"):
            place()
    monkeypatch.delenv(access.SECRETS)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert access.secrets_file() == tmp_path / ".config/tastelines/secrets.toml"


WRONG = {
    "[editors": "damaged",
    "editors = 3": "wrong at editors",
    "[editor]\nemails = []": "wrong at editor",
    '[editors]\nemails = "ann@x.org"': "wrong at editors.emails",
    '[editors]\nemails = ["ann"]': "not an e-mail",
    '[editors]\ndomains = ["*"]': "not a domain",
    '[editors]\ndomains = ["stra\u00dfe.org"]': "write such domains as xn--",
    '"a\\nb\\u001b[31m" = 3': r"wrong at 'a\\nb\\x1b\[31m'",
    "hours = " + "9" * 400: "damaged",
    "issuers = 3": "wrong at issuers",
    '[editors]\ndomains = ["@example.com"]': "not a domain",
    "[editors.claims]\ngroups = [3]": "wrong at editors.claims.groups",
    "hours = 0": "wrong at hours",
    "hours = nan": "wrong at hours",
    "hours = true": "wrong at hours",
    "a = " + "[" * 2000: "damaged",
    "# " + "x" * access.LARGEST: "more than",
}


@pytest.mark.parametrize("text", WRONG, ids=list(map(str, range(len(WRONG)))))
def test_a_wrong_file_of_roles_lets_nobody_in_and_says_why(text: str, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="there is no file of roles"):
        read_access(tmp_path)
    (tmp_path / access.FILE).write_text(text)
    with pytest.raises(DomainError, match=WRONG[text]) as problem:
        read_access(tmp_path)
    assert "docs/team.md" in str(problem.value) and len(str(problem.value)) < 600
    (tmp_path / access.FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(DomainError, match="damaged"):
        read_access(tmp_path)
    (tmp_path / access.FILE).write_text("[viewers]\n")
    assert read_access(tmp_path) == Access()
