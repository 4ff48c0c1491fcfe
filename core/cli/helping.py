"""What typer says of its own accord, in the reader's language: the help, and what a line lacks."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption

from core.language import mark, tr

HELP = (
    *(mark("Usage:"), mark("Arguments:"), mark("Options:"), mark("Commands:")),
    *(mark("[required]"), mark("[default:"), mark("[env var:")),
    mark("Show this message and exit."),
)
"""What typer writes into a help."""
REPEATED = mark("Option {} is given more than once, but takes one value")
MISTAKES = (
    *(mark("Missing argument {}"), mark("Missing option {}"), mark("Missing command")),
    mark("No such option: {} (Possible options: {})"),
    mark("No such option: {}"),
    mark("No such command {}. Did you mean {}?"),
    mark("No such command {}"),
    mark("Option {} requires an argument"),
    mark("Option {} does not take a value"),
    REPEATED,
    mark("Got unexpected extra argument(s) ({})"),
    mark("Invalid value for {}: {}"),
    mark("Input should be greater than or equal to {}"),
    mark("Input should be less than or equal to {}"),
    mark("Input should be a valid integer, unable to parse string as an integer"),
    mark("Input should be a valid number, unable to parse string as a number"),
)
"""What it says of a line that it can't read; the first that fits counts."""


class Verb(TyperCommand):
    """A verb with its help in the reader's language. None of the values on a line is passed over:
    where an option that takes one is given several, the line is a mistake."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a line into ``ctx``; what is left of them."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for option, times in Counter(given).items():
                if times > 1 and isinstance(option, TyperOption) and _takes_one(option):
                    ctx.fail(REPEATED.format(repr(option.opts[0])))
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """The help, as a page of text."""
        return helped(super().get_help(ctx))


class Verbs(TyperGroup):
    """All verbs, likewise."""

    def get_help(self, ctx: Any) -> str:
        """The help, as a page of text."""
        return helped(super().get_help(ctx))


def _takes_one(option: TyperOption) -> bool:
    """Whether a second mention would take the place of the first: a value, or --yes and --no."""
    if option.multiple or option.count:
        return False
    return not option.is_flag or bool(option.secondary_opts)


def helped(text: str) -> str:
    """A help in the reader's language."""
    for words in HELP:
        text = text.replace(words, tr(words))
    return text


def mistake(message: str) -> str:
    """What is wrong with a line, in the reader's language where that is known."""
    for form in MISTAKES:
        found = re.fullmatch(re.escape(form).replace(r"\{\}", "(.+?)"), message)
        if found is not None:
            return tr(form).format(*map(mistake, found.groups()))
    return message
