"""The lab's own format for conversations that somebody brings: turns and questions, as JSON or as JSON Lines.

A conversation is an object with ``turns`` and ``questions``; a file holds one, a list of them, or one a line. A turn
has a ``text`` and, as far as they are known, an ``id`` (else its place, from 1), a ``speaker``, a ``session`` and the
time it was ``said_at``. A question has a ``text``, the ids of its ``evidence`` and, if it likes, a ``kind``. A file of
one conversation may also hold a turn or a question a line: a line with ``evidence`` is a question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from experiments.workloads.archives.building import Line, ReadQuestion, Session, build
from experiments.workloads.archives.interface import Archive
from experiments.workloads.archives.parsing import NO_QUESTION, NO_TURN, converted, date, objects, said


class _Conversation(msgspec.Struct):
    turns: list[Any]
    questions: list[Any]
    name: Any = None


def read(entries: list[Any]) -> list[Archive]:
    """Return one archive a conversation. Raises `BadInput` for what is not of this format."""
    if entries and all(isinstance(each, dict) and isinstance(each.get("text"), str) for each in entries):
        questions = [each for each in entries if "evidence" in each]
        entries = [{"turns": [each for each in entries if "evidence" not in each], "questions": questions}]
    found = converted(entries, list[_Conversation])
    return [_archive(said(one.name) or f"conversation {place}", one) for place, one in enumerate(found, 1)]


def _archive(name: str, conversation: _Conversation) -> Archive:
    left_out: Counter[str] = Counter()
    turns = list(enumerate(objects(conversation.turns, left_out, NO_TURN), 1))
    asked = [
        ReadQuestion(said(one.get("text")), said(one.get("kind")) or "all kinds", _evidence(one.get("evidence")))
        for one in objects(conversation.questions, left_out, NO_QUESTION)
    ]
    sessions = [
        Session(session, [_line(place, turn) for place, turn in of_session])
        for session, of_session in groupby(turns, lambda numbered: said(numbered[1].get("session")))
    ]
    return build(name, sessions, asked, left_out)


def _line(place: int, turn: dict[str, Any]) -> Line:
    return Line(
        id=said(turn.get("id")) or str(place),
        text=said(turn.get("text")),
        speaker=said(turn.get("speaker")),
        said_at=date(turn.get("said_at")),
    )


def _evidence(value: object) -> Sequence[str]:
    return [text for each in (value if isinstance(value, list) else [value]) if (text := said(each))]
