"""The layouts of a turn's prompt: what its system prompt says, and where notes and surroundings stand in it.

A layout's *frame* is what tells its own words from what was said. No text of a note, a question or the history can look
like it: a note is one line (`systems.turn.prompt.note`), and what begins a frame is broken wherever it is said.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from systems.interface import Observed
from systems.settings import LayoutName
from systems.turn.now import asked_of_now


class Around(NamedTuple):
    """The contents of the two messages that stand around a history: the system's, and the last one."""

    system: str
    last: str


class Layout(ABC):
    """How a turn is laid out. ``system_prompt`` is the same in every turn, so that an engine need compute it once."""

    system_prompt: ClassVar[str]

    grows: ClassVar[bool] = True
    """Whether a question's message may stay in the history as it was sent."""

    @abstractmethod
    def around(self, notes: Sequence[str], observed: Observed, text: str) -> Around:
        """Return what stands around the history when ``text`` is asked; ``notes`` are one line each."""

    def worth(self, memories: Sequence[str]) -> list[str]:
        """Return those of ``memories`` that are worth a note: what ends with a question mark only asks.

        A model that reads little takes such a note for what it is asked.
        """
        return [each for each in memories if not each.rstrip().endswith(("?", "？"))]

    def laid_out(self, notes: Sequence[str]) -> str:
        """Return the notes as they stand in the prompt, each on a line of its own."""
        return "".join([f"\n- {each}" for each in notes])

    @abstractmethod
    def unframed(self, text: str) -> str:
        """Return what was said so that nothing in it looks like the frame; a second time changes nothing."""


class _Bracketed(Layout):
    """Clock, machine, mood and notes in brackets before every question. The reader was trained on it, and no other."""

    grows = False  # nor was it trained on brackets before the questions of a history

    system_prompt = (
        "You are a helpful assistant that runs on the user's own small computer. Answer briefly, in the language of "
        "the question. Notes from earlier conversations may be given before a question: use them where they help, and "
        "say that you do not know when neither they nor the conversation hold the answer. Never invent facts about the "
        "user."
    )

    _FRAME = re.compile(r"[\[［]\s*(?=time\s*[:：])", re.IGNORECASE)

    def around(self, notes: Sequence[str], observed: Observed, text: str) -> Around:
        block = self.laid_out(notes) or " none"
        context = (
            f"[time: {observed.clock}; machine: {observed.system}; mood: {observed.emotion}; earlier notes:{block}]\n"
        )
        return Around(self.system_prompt, context + self.unframed(text))

    def worth(self, memories: Sequence[str]) -> list[str]:
        return list(memories)

    def unframed(self, text: str) -> str:
        if "[" not in text and "［" not in text:
            return text
        return self._FRAME.sub("(", text)


class _Headed(Layout):
    """Notes under a heading, and only if there are any; of the surroundings only what a question asks for."""

    system_prompt = "You are a helpful assistant. Answer briefly."
    heading: ClassVar[str] = "Notes from earlier conversations:"

    _FRAME: ClassVar[re.Pattern[str]] = re.compile(r"(notes\s+from\s+earlier\s+conversations\s*)[:：]", re.IGNORECASE)

    def block(self, notes: Sequence[str], observed: Observed, text: str) -> str:
        """Return heading and notes, those on what is asked of the surroundings first; nothing if there are none."""
        lines = [*asked_of_now(text, observed), *notes]
        return self.heading + self.laid_out(lines) if lines else ""

    def unframed(self, text: str) -> str:
        if ":" not in text and "：" not in text:
            return text
        return self._FRAME.sub(r"\1;", text)


class _List(_Headed):
    """Notes as a list before the question."""

    def around(self, notes: Sequence[str], observed: Observed, text: str) -> Around:
        block = self.block(notes, observed, text)
        question = self.unframed(text)
        return Around(self.system_prompt, f"{block}\n\n{question}" if block else question)


class _Sentences(_List):
    """Notes as sentences of one paragraph before the question, as the user's own words."""

    heading = "Earlier I told you:"

    _FRAME = re.compile(r"(earlier\s+I\s+told\s+you\s*)[:：]", re.IGNORECASE)

    def laid_out(self, notes: Sequence[str]) -> str:
        return "".join([f" {each}." if each[-1:].isalnum() else f" {each}" for each in notes])


class _Passage(_Sentences):
    """Notes as a passage, the best last, and the question about it: the form in which models learn to read."""

    heading = "Context:"

    # Where it begins a line: people write the word within one, and there it begins nothing. What stands before it is of
    # the same line: to look across empty lines from each of them would take hours of a text of nothing else.
    _BREAKS = r"\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
    _FRAME = re.compile(rf"((?:\A|(?<=[{_BREAKS}]))[^\S{_BREAKS}]*context\s*)[:：]", re.IGNORECASE)

    def laid_out(self, notes: Sequence[str]) -> str:
        return super().laid_out(notes[::-1])

    def unframed(self, text: str) -> str:
        # To look for the word alone takes a tenth of the time, and most texts have none.
        return super().unframed(text) if "context" in text.lower() else text

    def around(self, notes: Sequence[str], observed: Observed, text: str) -> Around:
        block = self.block(notes, observed, text)
        question = self.unframed(text)
        return Around(self.system_prompt, f"{block}\nQuestion: {question}" if block else question)


class _QuestionFirst(_Headed):
    """Notes as a list after the question."""

    def around(self, notes: Sequence[str], observed: Observed, text: str) -> Around:
        block = self.block(notes, observed, text)
        question = self.unframed(text)
        return Around(self.system_prompt, f"{question}\n\n{block}" if block else question)


class _System(_Headed):
    """Notes as a list in the system message. Notes that change change the prompt's beginning: no state is reused."""

    grows = False

    def around(self, notes: Sequence[str], observed: Observed, text: str) -> Around:
        block = self.block(notes, observed, text)
        return Around(f"{self.system_prompt}\n\n{block}" if block else self.system_prompt, self.unframed(text))


LAYOUTS: Mapping[LayoutName, Layout] = MappingProxyType(
    {
        "bracketed": _Bracketed(),
        "list": _List(),
        "sentences": _Sentences(),
        "passage": _Passage(),
        "question-first": _QuestionFirst(),
        "system": _System(),
    }
)
"""Every layout by its name."""
