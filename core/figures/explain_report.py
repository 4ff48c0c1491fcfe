"""An explanation as one HTML file: what the page Explain shows, to read without the app."""

from __future__ import annotations

from core.figures.explain import curves_figure, waterfall_figure, waterfalls, words_figure
from core.figures.ladder import ladder_figure
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.language import mark, tr
from core.views.explain.beside import BesideReport
from core.views.explain.build import events_table
from core.views.explain.rows import ExplanationReport
from core.views.explain.sentences import CAUTION
from core.views.tables import in_language, table

DIFFERENCES = {
    mark("contribution of"): "name",
    mark("first"): "value",
    mark("second"): "beside",
    mark("apart"): "apart",
}


def explain_report(
    report: ExplanationReport,
    facts: tuple[str, ...],
    palette: Palette,
    beside: BesideReport | None = None,
) -> str:
    """The file's content; ``facts`` say whose list it is, when, and by what.

    ``beside`` is the same item for another user or by another model.
    """
    answer, words, card = report.answer, report.words, report.scorecard
    ladder = report.ladder
    said = (answer.standing, answer.ignoring, answer.summary, answer.components, answer.trust)
    sections = [
        Section("", (*filter(None, said), tr(CAUTION))),
        Section(
            tr("Which events?"),
            (report.parts.sentence,),
            waterfall_figure(answer, report.parts, palette) if answer.bars else None,
        ),
    ]
    if ladder is not None:
        drawn = ladder_figure(ladder, palette) if ladder.has_components else None
        sections.insert(1, Section(tr("Why not?"), (ladder.sentence, ladder.below), drawn))
    if beside is not None:
        pairs = (answer, report.parts), (beside.answer, beside.parts)
        drawn_pair = waterfalls(pairs, palette)
        differences = table(beside.view.rows, DIFFERENCES)
        names, said_other = beside.view.names, (beside.answer.standing, beside.answer.summary)
        sections += [
            Section(tr("Beside"), (beside.view.sentence,), table=in_language(differences)),
            Section(names[0], figure=drawn_pair[0] if answer.bars else None),
            Section(names[1], said_other, drawn_pair[1] if beside.answer.bars else None),
        ]
    if words is not None:
        text = words.head + "".join(word.text for word in words.words)
        sections.append(
            Section(
                tr("Which words?"),
                (words.score_sentence, words.sum_sentence),
                words_figure(words, True, palette),
                quotes=((tr("Review of step {step}", step=words.step), text),),
            )
        )
        sections.append(
            Section(
                tr("Which words for its sentiment?"),
                (words.sentiment_sentence, words.sentiment_sum),
                words_figure(words, False, palette),
            )
        )
    has_curves = len(card.card.deletion["explanation"]) > 2
    sections += [
        Section(tr("Smallest change"), (report.change.sentence, *report.change.made)),
        Section(
            tr("How reliable is this explanation?"),
            (card.sentence, card.stability),
            curves_figure(card.card, palette, answer.unit) if has_curves else None,
        ),
        Section(tr("All events"), table=in_language(events_table(answer, report.parts))),
    ]
    return write_report(tr("Why this item?"), facts, sections, palette)
