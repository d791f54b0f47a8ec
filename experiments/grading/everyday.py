"""Whether a reply to an everyday message is a right one, by rule and without a judge.

Whatever was said, a reply must not be empty, repeat the prompt's own words (its system prompt, the heading of its
notes), the message, or an earlier reply, say a sentence three times, condole, or tell what the user never asked for.
Besides, a question's reply must say its answer and none of the others, and decline what was never told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Literal

import msgspec

from experiments.grading.answers import declines, named, normalised, says
from experiments.workloads.everyday import EverydayTalk, EverydayTurn, Kind
from systems.turn.layouts import LAYOUTS

Fault = Literal["empty", "echo", "parrot", "stuck", "condolence", "private", "wrong"]
"""What is wrong with a reply: it says nothing; repeats words of the prompt; repeats the message; repeats an earlier
reply, or itself; condoles; tells what has no place in it; does not answer."""

# Words: fewer in a row may be said by chance, "a helpful assistant" for one.
_QUOTED = 5
_SENTENCE = re.compile(r"[^.!?\n]+")
_CONDOLES = re.compile(
    r"condolence|\bsorry (?:for your|to hear|about your)|\bloss of your|\bmy sympath|\bpassed away", re.IGNORECASE
)
# What the layouts write around notes and surroundings, as normalised text.
_FRAMES = (
    "earlier notes", "notes from earlier conversations", "earlier i told you", "the date and time now",
    "state of this computer", "mood neutral", "machine processor",
)  # fmt: skip


class EverydayGrade(msgspec.Struct, frozen=True):
    """Of one reply: what kind of message it was for, and what was wrong with it, if anything."""

    kind: Kind
    fault: Fault | None

    @property
    def right(self) -> bool:
        """Whether nothing was wrong."""
        return self.fault is None


def grade(conversation: EverydayTalk, replies: Sequence[str]) -> list[EverydayGrade]:
    """Return the grade of each of ``replies``, which were given to the turns of ``conversation``, in order."""
    return [
        EverydayGrade(turn.kind, _fault(conversation, turn, reply, replies[:number]))
        for number, (turn, reply) in enumerate(zip(conversation.turns, replies, strict=True))
    ]


def _fault(conversation: EverydayTalk, turn: EverydayTurn, reply: str, before: Sequence[str]) -> Fault | None:
    said = normalised(reply)
    if not said:
        return "empty"
    if any(frame in said for frame in _FRAMES) or not _phrases(said).isdisjoint(_of_prompts()):
        return "echo"
    if turn.kind != "greeting" and said == normalised(turn.say):
        return "parrot"
    if said in map(normalised, before) or _goes_round(reply):
        return "stuck"
    if _CONDOLES.search(reply):
        return "condolence"
    strangers = [value for value in conversation.private if value not in turn.answers]
    if turn.kind not in ("recalled", "earlier") and named(reply, strangers):
        return "private"
    return None if _answers(turn, reply) else "wrong"


def _answers(turn: EverydayTurn, reply: str) -> bool:
    match turn.kind:
        case "greeting" | "told":
            return True
        case "untold":
            return declines(reply)
        case _:
            return any(says(reply, answer, turn.others) for answer in turn.answers)


def _goes_round(reply: str) -> bool:
    """Return whether a sentence is said three times."""
    sentences = Counter(filter(None, map(normalised, _SENTENCE.findall(reply))))
    return max(sentences.values(), default=0) >= 3


def _phrases(said: str) -> set[tuple[str, ...]]:
    words = said.split()
    return {tuple(words[at : at + _QUOTED]) for at in range(len(words) - _QUOTED + 1)}


@cache
def _of_prompts() -> frozenset[tuple[str, ...]]:
    """Return every five words in a row of every layout's system prompt."""
    return frozenset().union(*(_phrases(normalised(layout.system_prompt)) for layout in LAYOUTS.values()))
