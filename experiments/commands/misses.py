"""The worst questions one by one, so that a person sees why their evidence was not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from experiments.commands.console import out
from experiments.grading.archives import PLACES, Answered, Evidence
from experiments.printable import printable

_MISSED = "recall@10"
_SHOWN = 5

# What stands before the texts: whether it is right, or what it is, and its place.
_MARGIN = 14

# Lines that the text of evidence may take on a terminal.
_LINES = 3


def worst(answered: Sequence[Answered], count: int) -> list[Answered]:
    """Return the ``count`` questions of which most is missing among the first ten, the worst first; none is whole.

    Among equals the first questions of every conversation come before the second ones.
    """
    seen: Counter[str] = Counter()
    ranked = []
    for place, one in enumerate(answered):
        seen[one.conversation] += 1
        if one.measures[_MISSED] < 1:
            least = (one.measures[_MISSED], one.measures[f"ndcg@{max(PLACES)}"], seen[one.conversation], place)
            ranked.append((least, one))
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])[:count]]


def print_misses(store: str, missed: Sequence[Answered], of: int) -> None:
    """Print the questions of ``store`` that were ``missed``, of so many that were asked."""
    if not missed:
        out.say(f"{store}: all evidence of {of} questions is among the first 10.\n")
        return
    out.say(f"{store}: the {len(missed)} worst of {of} questions\n", style="bold")
    for number, one in enumerate(missed, 1):
        _print(number, one)


def _print(number: int, one: Answered) -> None:
    right = sum(evidence.place is not None and evidence.place <= 10 for evidence in one.evidence)
    out.say(f"{number}. {one.conversation}, {one.kind}, {right} of {len(one.evidence)} among the first 10")
    _put("asked", one.question, _LINES)
    _put("looked for", ", ".join(one.terms) or "nothing: no word of it is kept", _LINES)
    for place, found in enumerate(one.found[:_SHOWN], 1):
        mark = "right" if found.evidence else "" if place > 1 else "found"
        _put(f"{mark:7}{place:>3}", found.text, 1, "green" if found.evidence else "")
    if not one.found:
        _put("found", "nothing", 1)
    for evidence in one.evidence:
        _put("evidence", f"{evidence.id}, {_where(evidence)}: {evidence.text}", _LINES, "green")
    out.say("")


def _where(evidence: Evidence) -> str:
    place = f"at {evidence.place}" if evidence.place is not None else f"not among {max(PLACES)}"
    return f"{place}, with {', '.join(evidence.has) or 'none of the words'}"


def _put(label: str, text: str, lines: int, style: str = "") -> None:
    """Print ``text`` beside its label: on a terminal in so many lines, for a pipe whole and in one."""
    width = max(out.width - _MARGIN, 20)
    whole = Text(printable(" ".join(text.split())), style=style)
    shown = whole.wrap(out, width) if lines > 1 else [whole]
    if len(shown) > lines:
        shown = [*shown[: lines - 1], Text(" ").join(shown[lines - 1 :])]
    for place, line in enumerate(shown):
        line.truncate(width, overflow="ellipsis")
        line.rstrip()
        out.say(Text.assemble(f"  {label if place == 0 else '':{_MARGIN - 4}}  ", line))
