"""What an answer cites: numbers in brackets, each of a passage that the prompt had, and of no other.

A citation of a passage that was not given is taken out while the answer streams, and told of. A small model often
cites nothing; then it is looked which passage has the words of a sentence, and that is told apart from a citation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from systems.memory import words

# What may still become a citation: white space, a bracket, digits with commas. Longer it is none. What is taken out of
# a bracket may leave one that was hidden by it.
_BEGUN = re.compile(r"\s*(?:\[[\d,;–\-\s]*+)*+\Z")
_CITATION = re.compile(r"(\s*)\[\s*(\d+(?:\s*[,;–\-]\s*\d+)*)\s*\]")
_LONGEST = 64
_MOST_DIGITS = 9  # of a number that is told; Python makes none of some thousands
# A sentence ends with its mark, or a line does; a citation behind the mark belongs to it.
_END = re.compile(r"(?<=[.!?])\s+(?!\[\d)|\n+(?!\[\d)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
# A sentence is taken from a passage if that has so large a share of its telling words.
_SHARE = 0.6


class Citing:
    """Passes the pieces of an answer on, without citations of more than ``passages`` passages.

    ``cited`` are the numbers that were cited, in order; ``dropped`` those that are of no passage.
    """

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._waiting = ""
        self.cited: list[int] = []
        self.dropped: list[int] = []

    def feed(self, piece: str) -> str:
        """Return what can be passed on after ``piece``: what may be the beginning of a citation is kept back."""
        text = self._checked(self._waiting + piece)
        begun = _BEGUN.search(text)
        at = len(text) if begun is None or len(text) - begun.start() > _LONGEST else begun.start()
        self._waiting = text[at:]
        return text[:at]

    def end(self) -> str:
        """Return what was kept back: it became no citation."""
        text, self._waiting = self._waiting, ""
        return text

    def _checked(self, text: str) -> str:
        before = ""
        while text != before and "[" in text:
            before, text = text, _CITATION.sub(self._kept, text)
        return text

    def _kept(self, found: re.Match[str]) -> str:
        numbers = [int(each[:_MOST_DIGITS]) for each in re.findall(r"\d+", found[2])]
        given = [number for number in numbers if 1 <= number <= self._passages]
        self.cited += [number for number in given if number not in self.cited]
        self.dropped += [number for number in numbers if number not in given]
        if len(given) == len(numbers):
            return found[0]
        return f"{found[1]}[{', '.join(map(str, given))}]" if given else ""


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """The sources of an answer, as numbers of passages, those that support most of it first.

    ``by_model`` were cited in it, ``by_words`` have the words of a sentence that cites none. ``dropped`` were cited and
    were never given. ``unsupported`` counts sentences whose words or numbers stand in no passage.
    """

    by_model: tuple[int, ...] = ()
    by_words: tuple[int, ...] = ()
    dropped: tuple[int, ...] = ()
    unsupported: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """All of them, those that the model cited first."""
        return tuple(dict.fromkeys([*self.by_model, *self.by_words]))


def checked(answer: str, question: str, passages: Sequence[str], citing: Citing) -> Cited:
    """Return what ``answer`` to ``question`` rests on, among the texts of the ``passages`` that were given, best first.

    ``citing`` has passed the answer on.
    """
    terms = [frozenset(words.cut(each)) for each in passages]
    numbers = [frozenset(_NUMBER.findall(each)) for each in passages]
    support: dict[int, float] = {}
    unsupported = 0
    for sentence in _END.split(answer):
        if _CITATION.search(sentence):
            continue
        found = _supporting(sentence, question, terms, numbers)
        if found is None:
            continue
        if not found:
            unsupported += 1
        for number, share in found[:1]:
            support[number] = support.get(number, 0.0) + share
    ranked = sorted(support, key=lambda number: (-support[number], number))
    return Cited(
        by_model=tuple(citing.cited),
        by_words=tuple(number for number in ranked if number not in citing.cited),
        dropped=tuple(citing.dropped),
        unsupported=unsupported,
    )


def _supporting(
    sentence: str, question: str, terms: Sequence[frozenset[str]], numbers: Sequence[frozenset[str]]
) -> list[tuple[int, float]] | None:
    """Return the passages that have what ``sentence`` says, best first; None where it says nothing.

    A word of the question alone tells nothing new, but where it is all there is, it has to do.
    """
    telling = set(words.asked(sentence))
    if not telling:
        return None
    new = telling - set(words.cut(question))
    said = set(_NUMBER.findall(sentence)) - set(_NUMBER.findall(question))
    found = []
    for number, (has, counts) in enumerate(zip(terms, numbers, strict=True), 1):
        if not said <= counts or (new and not new & has and not said):
            continue
        share = len(telling & has) / len(telling)
        if share >= _SHARE or (said and share > 0):
            found.append((number, share))
    return sorted(found, key=lambda each: (-each[1], each[0]))
