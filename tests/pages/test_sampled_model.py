"""Every page with a model of a sample of users: for one of the sample, and for another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.arrays import FloatArray
from core.cohorts.everyone import measure_everyone
from core.corpus.importing import import_files
from core.corpus.sampling import draw
from core.corpus.store import Library
from core.model.config import InterestConfig
from core.training.training import train

from .conftest import Open

USERS, OF = 30, 50
SAID = f"Trained on {USERS} of {OF} users, drawn at random (seed 0)."
CONFIG = InterestConfig(dim=16, hidden=8, epochs=1, batch_users=8)
PAGES = ("overview", "users", "timeline", "explain", "what_if", "compare", "cohorts", "quality",
         "monitor", "notebook", "corpora")  # fmt: skip
ABOUT_ALL = ("overview", "users", "cohorts", "quality")


@dataclass(frozen=True)
class Shop:
    """A library with a sampled model, and who is in its sample and who isn't."""

    library: Library
    inside: str
    outside: str


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    def flat(directions: FloatArray, seed: int, epochs: object = None) -> FloatArray:
        return np.ascontiguousarray(directions[:, :2])

    root = tmp_path_factory.mktemp("sampled")
    rows = [
        f"u{n % OF:02},i{(n % OF + n // OF) % 12},{10**9 + n * 10**5},{1 + n % 5}"
        for n in range(OF * 8)
    ]
    (root / "clicks.csv").write_text("\n".join(["user_id,item_id,timestamp,rating", *rows]) + "\n")
    library = Library.open(root / "library")
    import_files(library, "clicks", [root / "clicks.csv"])
    corpus = draw(library.corpus("clicks"), USERS, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.interest_map.projection._umap", flat)
        folder = train(corpus, library, CONFIG)
    measure_everyone(library, corpus, folder)
    left_out = next(user for user in corpus.whole.user_ids if corpus.leaves_out(user))
    yield Shop(library, corpus.user_ids[0], left_out)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["inside", "outside"])
def test_every_page_says_the_sample_and_shows_the_user(
    page: str,
    who: str,
    sampled: Shop,
    open_app: Open,
    read: Callable[[AppTest], str],
    settle: Callable[[AppTest], AppTest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASTELINES_LIBRARY", str(sampled.library.root))
    user = sampled.inside if who == "inside" else sampled.outside
    app = open_app(f"pages/{page}.py", corpus="clicks", user=user)
    wait([job.future for job in jobs.jobs()], 60)  # an earlier test's may have failed
    app.run()
    if page == "explain":
        settle(app)
    assert not app.exception and not app.error, [
        each.value for each in (*app.exception, *app.error)
    ]
    said = read(app)
    assert SAID in said
    assert said.count("What is said of all users is about these") == (page in ABOUT_ALL)
    assert ("The events of these users are watched" in said) == (page == "monitor")
    if page == "timeline":
        assert ("This user is none of them" in said) == (who == "outside")
    assert app.sidebar.selectbox(key="user").value == user


@pytest.mark.parametrize("wanted", [7, None])
def test_the_page_trains_on_some_users(
    wanted: int | None, sampled: Shop, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty field means all, however many an append adds meanwhile."""
    monkeypatch.setenv("TASTELINES_LIBRARY", str(sampled.library.root))
    app = open_app("pages/corpora.py", corpus="clicks")
    asked: list[object] = []
    monkeypatch.setattr(
        "core.training.training.train", lambda corpus, *rest, **more: asked.append(corpus)
    )
    users = next(box for box in app.number_input if box.label == "Users at most")
    assert users.value is None and users.max == OF
    if wanted is not None:
        users.set_value(wanted)
    next(button for button in app.button if "Train a model" in button.label).click().run()
    for job in jobs.jobs():
        job.future.exception(60)
    (corpus,) = asked
    assert len(corpus.user_ids) == (wanted or OF)  # type: ignore[attr-defined]
    assert (corpus.sample is None) == (wanted is None)  # type: ignore[attr-defined]


def test_a_search_by_id_leads_to_a_user_outside(
    sampled: Shop,
    open_app: Open,
    read: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASTELINES_LIBRARY", str(sampled.library.root))
    app = open_app("pages/users.py", corpus="clicks", users_search=sampled.outside)
    said = read(app)
    assert not app.exception and "No user is like that" not in said
    assert "1 user found outside of the sample" in said
    (way,) = [link for link in app.get("page_link") if link.proto.label == sampled.outside]
    assert f"user={sampled.outside}" in way.proto.query_string
    app = open_app("pages/users.py", corpus="clicks", users_search=sampled.inside)
    assert "outside of the sample" not in read(app)
    app = open_app("pages/users.py", corpus="clicks", users_search="nobody")
    assert "No user is like that" in read(app)


def test_two_users_are_chosen_of_the_sample(
    sampled: Shop,
    open_app: Open,
    read: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASTELINES_LIBRARY", str(sampled.library.root))
    about = "What is said of all users is about these"
    asked = {"corpus": "clicks", "user": sampled.inside}
    assert about in read(open_app("pages/compare.py", columns="users", **asked))
    monkeypatch.setattr("core.compare.columns.two_users", lambda *rest: [])
    said = read(open_app("pages/compare.py", columns="users", **asked))
    assert "No user shares an item" in said and about in said


def test_a_user_outside_has_no_turnover_of_their_own(
    sampled: Shop,
    open_app: Open,
    read: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TASTELINES_LIBRARY", str(sampled.library.root))
    for user in (sampled.inside, sampled.outside):
        said = read(open_app("pages/compare.py", corpus="clicks", user=user))
        assert ("no curve of their own" in said) == (user == sampled.outside)
