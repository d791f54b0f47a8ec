"""LoCoMo (Maharana et al., 2024): ten long dialogues of two people, with photographs described in words.

A question's evidence is a list of dialogue ids such as "D3:14"; in the published file it is now and then a text that
holds several, or the text of a list. Adversarial questions (category 5) are about what was never said as asked: their
"evidence" is where it was said of someone else, so they are left out.
"""

from __future__ import annotations

import re

import msgspec

from experiments.workloads.archives.interface import Archive, ArchivedQuestion, ArchivedTurn, archive, decode

_KINDS = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
_ID = re.compile(r"D\d+:\d+")
_SESSION = re.compile(r"session_(\d+)")


class _Turn(msgspec.Struct):
    speaker: str
    dia_id: str
    text: str = ""
    blip_caption: str = ""


class _Question(msgspec.Struct):
    question: str
    category: int | str
    evidence: list[str] | str = ""


class _Sample(msgspec.Struct):
    conversation: dict[str, msgspec.Raw]
    qa: list[_Question]
    sample_id: str = "conversation"


def read(data: bytes) -> list[Archive]:
    """Return one archive a dialogue. Raises `BadInput` for what is not of this format."""
    return [_archive(sample) for sample in decode(data, list[_Sample])]


def _archive(sample: _Sample) -> Archive:
    sessions = sorted(
        (int(match[1]), key) for key in sample.conversation if (match := _SESSION.fullmatch(key)) is not None
    )
    turns = [
        ArchivedTurn(
            turn.dia_id, f"{turn.speaker}: {turn.text}" + (f" [{turn.blip_caption}]" if turn.blip_caption else "")
        )
        for _, key in sessions
        for turn in decode(bytes(sample.conversation[key]), list[_Turn])
    ]
    asked = [
        ArchivedQuestion(
            text=one.question,
            kind=_KINDS.get(int(one.category), str(one.category)),
            evidence=() if int(one.category) == 5 else tuple(_ID.findall(str(one.evidence))),
        )
        for one in sample.qa
    ]
    return archive(sample.sample_id, turns, asked)
