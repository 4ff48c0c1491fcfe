"""Before a training: what it will not learn from this corpus, and what nobody can judge."""

from __future__ import annotations

from core.corpus.corpus import Corpus
from core.corpus.split import MIN_EVENTS_SCORED
from core.domain import Part
from core.encode.item_text import choose_columns, item_texts
from core.encode.unknown import UnknownPieces
from core.language import tr, trn
from core.model.config import UNJUDGED_EPOCHS
from core.recommend.training_data import check_training_events

FEW = 30
"""Training events, or users to score, below which figures are mostly chance."""


def outlook(corpus: Corpus, unknown: UnknownPieces | None = None) -> tuple[str, ...]:
    """What to expect of a training, one sentence each; empty where nothing is amiss.

    ``unknown`` is what the encoder can't read of the corpus. DomainError where there is no event to
    learn from.
    """
    parts = corpus.parts
    check_training_events(corpus, parts)
    training = int((parts == Part.TRAIN).sum())
    starts = corpus.user_starts
    scored = int((starts[1:] - starts[:-1] >= MIN_EVENTS_SCORED).sum())
    said = []
    if training < FEW:
        said.append(
            trn(
                "Only {n} training event: expect little more than what is popular.",
                "Only {n} training events: expect little more than what is popular.",
                training,
                n=training,
            )
        )
    if not scored:
        said.append(
            tr(
                "No user has {n} or more events, so nobody can be scored: the model is trained for "
                "at most {epochs} epochs, and its quality stays unknown.",
                n=MIN_EVENTS_SCORED,
                epochs=UNJUDGED_EPOCHS,
            )
        )
    elif scored < FEW:
        said.append(
            trn(
                "Only {n} user can be scored ({least} or more events): most differences between "
                "recommenders will not be significant.",
                "Only {n} users can be scored ({least} or more events): most differences between "
                "recommenders will not be significant.",
                scored,
                n=scored,
                least=MIN_EVENTS_SCORED,
            )
        )
    return (*said, *_about_text(corpus, unknown))


def _about_text(corpus: Corpus, unknown: UnknownPieces | None) -> list[str]:
    items = [text for text in item_texts(corpus, choose_columns(corpus)) if text]
    if not corpus.manifest.with_text and not items:
        return [tr("Neither events nor items have text: the model learns from behaviour alone.")]
    said = []
    if not corpus.manifest.with_text:
        said.append(tr("No event has text: there is no sentiment and no explanation by words."))
    if unknown is not None and unknown.is_too_much:
        what = str(unknown)
        what = what[0].upper() + what[1:]
        said.append(tr("{what}, so their vectors say little.", what=what))
    return said
