"""The report of a question: a page of Markdown with the answer, what it rests on, and what was read.

Everything in it was written by others: a title or a passage cannot begin a heading, a link or a picture of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from systems.research.findings import Findings
from systems.research.sources.documents import SourceRefusal

# What Markdown reads as more than text, wherever it stands. Code, and whatever HTML there is, are begun by these too.
_MARKS = re.compile(r"([\\`*_\[\]<>#|~!&$])")
# What ends a line, what a terminal obeys, and what turns the direction of writing.
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
# Many readers of Markdown make a link of an address that merely stands there.
_ADDRESSES = re.compile(r":(?=//)|\bwww(?=\.)", re.IGNORECASE)
# Two lists or a heading may begin with these, but only at the beginning of a line.
_BEGINS = re.compile(r"^(\s*)(?=[-+=]|\d+[.)])")
_MOST_REFUSED = 20


def plain(text: str) -> str:
    """Return ``text`` as one line of Markdown that shows it as it is."""
    line = _MARKS.sub(r"\\\1", _BREAKS.sub(" ", text).strip())
    return _BEGINS.sub(r"\1\\", line) if line[:1] in "-+=" else line


def quoted(text: str) -> str:
    """Return what somebody else wrote as `plain` does, with nothing in it that becomes a link."""
    return _ADDRESSES.sub(r"\g<0>\\", plain(text))


def answered(text: str) -> str:
    """Return an answer as Markdown that shows it as it is, its citations and its lines too."""
    return "\n".join(re.sub(r"\\\[(\d+(?:[,–-] *\d+)*)\\\]", r"[\1]", quoted(line)) for line in text.splitlines())


def report(findings: Findings) -> str:
    """Return the report of ``findings``; of what stopped half-way it says so, and has what is there."""
    return "\n".join(_lines(findings)).rstrip() + "\n"


def _lines(findings: Findings) -> Iterator[str]:
    yield f"# {plain(findings.question)}"
    yield ""
    if findings.answer.strip():
        yield answered(findings.answer.strip())
        yield ""
    if not findings.complete:
        yield "*This was stopped before it was done: what follows is what was there by then.*"
        yield ""
    yield from _sources(findings)
    yield from _caveats(findings)
    yield from _read(findings)
    yield from _analysis(findings)


def _sources(findings: Findings) -> Iterator[str]:
    """Yield what the answer rests on; without a citation, what the model was given to answer from."""
    numbers = findings.cited.numbers
    if not findings.passages:
        return
    yield "## Sources" if numbers else "## Passages that were given"
    yield ""
    for number in numbers or range(1, len(findings.passages) + 1):
        passage = findings.passages[number - 1]
        how = ""
        if numbers:
            how = " (cited)" if number in findings.cited.by_model else " (not cited; it has the answer's words)"
        yield f"- **[{number}]** {quoted(passage.title)}, {plain(passage.source)}{how}  "
        yield f"  > {quoted(passage.text)}"
    yield ""


def _caveats(findings: Findings) -> Iterator[str]:
    """Yield what a reader should know before relying on the answer."""
    found = []
    if findings.cited.dropped:
        named = ", ".join(map(str, findings.cited.dropped))
        found.append(f"The model cited passages that it was not given, which was taken out: {named}.")
    if findings.cited.unsupported:
        found.append(f"Sentences of the answer whose words stand in no passage: {findings.cited.unsupported}.")
    found += [f"The step “{each.step}” failed ({each.error}): went on with {each.to}." for each in findings.degraded]
    if found:
        yield "## To bear in mind"
        yield ""
        yield from (f"- {each}" for each in found)
        yield ""


def _read(findings: Findings) -> Iterator[str]:
    yield "## What was read"
    yield ""
    characters = sum(each.characters for each in findings.read)
    yield f"{len(findings.read)} documents, {characters:,} characters; refused: {len(findings.refused)}."
    yield ""
    if findings.refused:
        yield from (_refused(each) for each in findings.refused[:_MOST_REFUSED])
        if (more := len(findings.refused) - _MOST_REFUSED) > 0:
            yield f"- and {more} more"
        yield ""


def _refused(refusal: SourceRefusal) -> str:
    return f"- {plain(refusal.source)}: {plain(refusal.reason)}"


def _analysis(findings: Findings) -> Iterator[str]:
    if findings.analysis is not None and findings.analysis.keywords:
        keywords = ", ".join(word for word, _ in findings.analysis.keywords)
        yield f"Words that stand out in what was read: {plain(keywords)}."
        yield ""
