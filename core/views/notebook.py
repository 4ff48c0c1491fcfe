"""Findings in words: what each is about, its address, and all of them as one Markdown file."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from core.corpus.manifest import Manifest
from core.language import mark, tr
from core.notebook import Finding
from core.views.wording import count, day, escape_markdown, grown_since

TITLE = mark("Findings")


def query_of(finding: Finding) -> dict[str, str]:
    """The parameters of its address."""
    return dict(parse_qsl(finding.seen.query))


def address(finding: Finding, base: str) -> str:
    """Where it was found; ``base`` is the app's address without a page."""
    return f"{base}/{finding.seen.page}?{urlencode(query_of(finding))}"


def facts(finding: Finding) -> str:
    """What it is about, in one line."""
    seen = finding.seen
    item = seen.item or seen.item_id
    if not item.endswith((seen.item_id, f"({seen.item_id})")):  # a derived name has it already
        item = f"{item} ({seen.item_id})"
    about = [
        tr(seen.title),
        seen.corpus,
        seen.user_id,
        tr("step {step}", step=seen.step) if seen.step is not None else "",
        item,
        seen.recommender,
        tr("scenario {name}", name=seen.scenario) if seen.scenario else "",
        tr("model {id}", id=seen.model_id[:8]) if seen.model_id else "",
    ]
    return " · ".join(filter(None, about))


def content(finding: Finding, manifests: Sequence[Manifest]) -> str:
    """Which content of its corpus it is about; empty where that is the present one."""
    seen = finding.seen
    present = {manifest.name: manifest for manifest in manifests}
    known = present.get(seen.corpus)
    return grown_since(known, seen.corpus_id) if known is not None else ""


def model_words(finding: Finding, models: Sequence[str]) -> str:
    """Whether its model is the newest of ``models`` (newest first); empty where it is, or unknown.

    A finding opens with the model that it was kept with.
    """
    model = finding.seen.model_id
    if not model or model == next(iter(models), None):
        return ""
    if model in models:
        return tr("there is a newer model")
    return tr("its model is not here any more")


def said(finding: Finding) -> str:
    """What the page said of the chart; empty where that is the finding's name."""
    sentence = " ".join(finding.seen.sentence.split())
    return "" if sentence.startswith(finding.name) else sentence


def kept(finding: Finding) -> str:
    """When it was kept or changed last."""
    if finding.saved is None:
        return ""
    when = {"day": day(finding.saved), "time": f"{finding.saved:%H:%M}"}
    if finding.revision == 1:
        return tr("Kept {day}, {time} UTC", **when)
    return tr("Changed {day}, {time} UTC", **when)


def summary(findings: Sequence[Finding]) -> str:
    """How many there are, and of which corpora."""
    corpora = sorted({finding.seen.corpus for finding in findings})
    return tr(
        "{findings} of {corpora}, kept with Tastelines.",
        findings=count(len(findings), "finding"),
        corpora=tr(", ").join(corpora),
    )


def markdown(findings: Sequence[Finding], base: str) -> str:
    """All as one Markdown file: what a person wrote is literal text.

    A chart is what the page said of it and a link to the page: its thousands of points would make
    no table that a person reads, and Markdown holds no picture that can be drawn without a browser.
    """
    parts = [f"# {tr(TITLE)}", escape_markdown(summary(findings))]
    for finding in findings:
        parts += [
            f"## {escape_markdown(finding.name)}",
            f"{escape_markdown(facts(finding))}\\\n{escape_markdown(kept(finding))}",
        ]
        if said(finding):
            parts.append(f"> {escape_markdown(said(finding))}")
        parts += paragraphs(finding.notes)
        label = tr("Open the page")
        parts.append(f"[{label}](<{address(finding, base)}>)")
    return "\n\n".join(parts) + "\n"


def paragraphs(text: str) -> list[str]:
    """Text of a person as Markdown paragraphs that keep its lines."""
    blocks: list[list[str]] = [[]]
    for line in map(str.strip, text.split("\n")):
        if line:
            blocks[-1].append(escape_markdown(line))
        else:
            blocks.append([])
    return ["\\\n".join(block) for block in blocks if block]
