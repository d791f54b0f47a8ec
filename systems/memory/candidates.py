"""A turn that is ranked, with what follows from its text."""

from __future__ import annotations

import re
import unicodedata

from systems.memory import asking, words

# Bytes of UTF-8 that are a word or so: six letters and a space of English, two characters of Chinese.
_WORD = 6

# By how much less a word counts in a turn of twice the words of the second number, which has it more easily.
_WORDY, _LONG = 0.1, 30

# A turn is found by its neighbours' words as well, at a weight that falls from the first number of words to none at the
# second: a short answer means something only after its question, a long message stands for itself.
_SHORT, _SELF_CONTAINED = 12, 70

_MARKS = ("?", "？", "؟")
_ENDS = ".,;:!…\"'’‘“”()。，、；：！（）「」"
_SPEAKER = re.compile(r"\A[^\W\d_][^:：\n]{0,30}[:：]\s*")


class Candidate:
    """A turn that is ranked. What takes long to find out of its text is found once, when it is wanted.

    ``number`` tells it from others of its source, which are newer the higher theirs is, unless they were imported.
    ``share`` is what a word counts in it, and ``free`` how far its neighbours' words count for it, both at most 1.
    """

    __slots__ = ("_asks", "_says", "answered", "created", "free", "important", "marked", "number", "question", "share")

    def __init__(self, number: int, created: float, question: str, important: int, answered: int) -> None:
        self.number = number
        self.created = created
        self.question = question
        self.important = important
        self.answered = answered
        length = len(question.encode()) / _WORD
        self.share = 1.0 if length <= _LONG else 1 / (1 + _WORDY * (length / _LONG - 1))
        self.free = min(1.0, (_SELF_CONTAINED - length) / (_SELF_CONTAINED - _SHORT))
        self.marked = question.rstrip()[-1:] in _MARKS
        # What is important tells something, so it does not only ask.
        self._asks: frozenset[str] | bool | None = None if important else True
        self._says: int | None = None

    def asks(self) -> frozenset[str] | None:
        """Return the words that it asks for, None if it does not only ask."""
        if isinstance(self._asks, bool):
            speaker = _SPEAKER.match(self.question)
            text = self.question[speaker.end() :] if speaker else self.question
            self._asks = frozenset(words.asked(text)) if asking.only_asks(text) else None
        return self._asks

    def says(self) -> int:
        """Return what two turns share that say the same: case, width, spaces and what ends a word are no difference."""
        if self._says is None:
            text = unicodedata.normalize("NFKC", self.question).casefold()
            self._says = hash(" ".join([word.strip(_ENDS) for word in text.split()]))
        return self._says
