"""Users in an address: they come back as they were, and nothing else is taken for them."""

from __future__ import annotations

import numpy as np
import pytest

from core.cohorts.listed import MOST, Listed, read_listed
from core.corpus.corpus import Corpus
from core.corpus.sampling import draw
from core.domain import DomainError


def test_users_come_back_from_an_address(demo_engine) -> None:
    corpus: Corpus = demo_engine.corpus
    places = tuple(range(0, len(corpus.user_ids), 2))[:MOST]
    lone = Listed("a\ud800b", (1,)).to_code(corpus)
    assert read_listed(lone, corpus).name.encode() == "a\ufffdb".encode()
    listed = Listed("Behind: Kind “买” fell <b>", places[::-1])
    code = listed.to_code(corpus)
    assert len(code) < 1500
    again = read_listed(code, corpus)
    assert (again.name, again.places) == (listed.name, places)
    assert np.flatnonzero(again.mask(corpus)).tolist() == list(places)
    start, packed = code.split(".")
    for other in ("", "1", f"{'0' * 8}.{packed}", f"{start[:-1]}.{packed}"):
        with pytest.raises(DomainError, match="of other content"):
            read_listed(other, corpus)
    beyond = Listed("x", (len(corpus.user_ids),)).to_code(corpus)
    for damaged in (start, f"{start}.", code[:-9], f"{code[:20]}é{code[20:]}", beyond):
        with pytest.raises(DomainError, match="can't be read"):
            read_listed(damaged, corpus)


def test_places_in_a_sample_are_never_taken_for_those_of_another_one(demo_engine) -> None:
    whole: Corpus = demo_engine.corpus
    corpora = [whole, *(draw(whole, 20, seed) for seed in (0, 1))]
    for corpus in corpora:
        code = Listed("some", (1, 5)).to_code(corpus)
        assert read_listed(code, corpus).places == (1, 5)
        for other in corpora:
            if other is not corpus:
                with pytest.raises(
                    DomainError, match=r"another sample of users.*Choose that model"
                ):
                    read_listed(code, other)
