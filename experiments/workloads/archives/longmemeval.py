"""LongMemEval (Wu et al., 2025): a question an entry, with a history of sessions of its own around it.

As in its makers' evaluation at the level of turns, what the user said is searched, the evidence is the turns marked
``has_answer``, and questions about what never happened (their ids end in "_abs") are left out. The published files list
sessions out of order, several at one minute, and now and then one session twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from experiments.workloads.archives.building import NOTHING_ANSWERS, Line, ReadQuestion, Session, build
from experiments.workloads.archives.interface import Archive
from experiments.workloads.archives.parsing import NO_TURN, converted, date, objects, said

_USER = ("user", "human")


class _Entry(msgspec.Struct):
    question: Any
    haystack_sessions: list[Any]
    question_id: Any = None
    question_type: Any = None
    haystack_session_ids: list[Any] | None = None
    haystack_dates: list[Any] | None = None


def read(entries: list[Any]) -> list[Archive]:
    """Return one archive an entry. Raises `BadInput` for what is not of this format."""
    found = converted(entries, list[_Entry])
    return [_archive(said(one.question_id) or f"question {place}", one) for place, one in enumerate(found, 1)]


def _archive(name: str, entry: _Entry) -> Archive:
    left_out: Counter[str] = Counter()
    sessions, evidence, others = [], [], 0
    for place, history in enumerate(entry.haystack_sessions):
        session = said(_at(entry.haystack_session_ids, place)) or str(place)
        lines = []
        for number, turn in enumerate(objects(history, left_out, NO_TURN)):
            line = Line(id=f"{place}/{session}/{number}", text=said(turn.get("content")))
            by_user = said(turn.get("role")).lower() in _USER
            if by_user:
                lines.append(line)
            if turn.get("has_answer") is True:
                evidence += [line.id] if by_user else []
                others += not by_user
        sessions.append(Session(session, lines, date(_at(entry.haystack_dates, place))))
    asked = ReadQuestion(
        text=said(entry.question),
        kind=said(entry.question_type) or "other",
        evidence=evidence,
        left_out=NOTHING_ANSWERS
        if name.endswith("_abs")
        else "questions whose answer only the assistant gave"
        if others and not evidence
        else "",
    )
    return build(name, sessions, [asked], left_out)


def _at(values: list[Any] | None, place: int) -> object:
    return values[place] if values is not None and place < len(values) else None
