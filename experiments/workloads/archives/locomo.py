"""LoCoMo (Maharana et al., 2024): ten long dialogues of two people, with photographs described in words.

A question's evidence is a list of dialogue ids such as "D3:14"; in the published file it is now and then a text that
holds several, the text of a list, or an id with a colon or a zero too many ("D:11:26", "D30:05"). Adversarial questions
(category 5) are about what was never said as asked: their "evidence" is where it was said of someone else, so they are
left out. Dates of sessions that are not in the file are no sessions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

import msgspec

from experiments.workloads.archives.building import NOTHING_ANSWERS, Line, ReadQuestion, Session, build
from experiments.workloads.archives.interface import Archive
from experiments.workloads.archives.parsing import NO_QUESTION, NO_TURN, converted, date, objects, said

_KINDS = {"1": "multi-hop", "2": "temporal", "3": "open-domain", "4": "single-hop", "5": "adversarial"}
_ID = re.compile(r"D:?\s*0*(\d+)\s*:\s*0*(\d+)", re.IGNORECASE)
_BETWEEN_IDS = re.compile(r"[\s,;\[\]'\"]+")
_SESSION = re.compile(r"session_(\d+)")


class _Sample(msgspec.Struct):
    conversation: dict[str, Any]
    qa: list[Any]
    sample_id: Any = None


def read(entries: list[Any]) -> list[Archive]:
    """Return one archive a dialogue. Raises `BadInput` for what is not of this format."""
    samples = converted(entries, list[_Sample])
    return [_archive(said(one.sample_id) or f"conversation {place}", one) for place, one in enumerate(samples, 1)]


def _archive(name: str, sample: _Sample) -> Archive:
    left_out: Counter[str] = Counter()
    keys = sorted((int(match[1]), key) for key in sample.conversation if (match := _SESSION.fullmatch(key)) is not None)
    sessions = [
        Session(
            name=key,
            lines=[
                _line(f"D{number}:{place}", turn)
                for place, turn in enumerate(objects(sample.conversation[key], left_out, NO_TURN), 1)
            ],
            began=date(sample.conversation.get(f"{key}_date_time")),
        )
        for number, key in keys
    ]
    known = {line.id for session in sessions for line in session.lines}
    asked = [_asked(one, known) for one in objects(sample.qa, left_out, NO_QUESTION)]
    return build(name, sessions, asked, left_out)


def _line(place: str, turn: dict[str, Any]) -> Line:
    caption = said(turn.get("blip_caption"))
    text = " ".join(part for part in (said(turn.get("text")), f"[{caption}]" if caption else "") if part)
    return Line(id=_written(said(turn.get("dia_id"))) or place, text=text, speaker=said(turn.get("speaker")))


def _written(number: str) -> str:
    """Return the id of a turn in the one way it is written here."""
    match = _ID.fullmatch(number)
    return f"D{match[1]}:{match[2]}" if match is not None else number


def _asked(question: dict[str, Any], known: Collection[str]) -> ReadQuestion:
    category = said(question.get("category"))
    kind = _KINDS.get(category, category) or "other"
    return ReadQuestion(
        text=said(question.get("question")),
        kind=kind,
        evidence=_evidence(question.get("evidence"), known),
        left_out=NOTHING_ANSWERS if kind == "adversarial" else "",
    )


def _evidence(value: object, known: Collection[str]) -> list[str]:
    """Return the ids in a list or a text, also such as nobody has."""
    found: list[str] = []
    for each in value if isinstance(value, list) else [value]:
        text = said(each)
        if text in known:
            found.append(text)
        else:
            ids = [f"D{match[1]}:{match[2]}" for match in _ID.finditer(text)]
            found += ids or [part for part in _BETWEEN_IDS.split(text) if part]
    return found
