"""LongMemEval (Wu et al., 2025): a question an entry, with a history of sessions of its own around it.

As in its makers' evaluation at the level of turns, what the user said is searched, the evidence is the turns marked
``has_answer``, and questions about what never happened (their ids end in "_abs") are left out.
"""

from __future__ import annotations

import msgspec

from experiments.workloads.archives.interface import Archive, ArchivedQuestion, ArchivedTurn, archive, decode


class _Turn(msgspec.Struct):
    role: str
    content: str
    has_answer: bool = False


class _Entry(msgspec.Struct):
    question_id: str
    question_type: str
    question: str
    haystack_session_ids: list[str]
    haystack_sessions: list[list[_Turn]]


def read(data: bytes) -> list[Archive]:
    """Return one archive an entry. Raises `BadInput` for what is not of this format."""
    return [_archive(entry) for entry in decode(data, list[_Entry])]


def _archive(entry: _Entry) -> Archive:
    said = [
        (f"{place}/{session}/{line}", turn)
        for place, (session, turns) in enumerate(zip(entry.haystack_session_ids, entry.haystack_sessions, strict=False))
        for line, turn in enumerate(turns)
        if turn.role == "user"
    ]
    evidence = tuple(number for number, turn in said if turn.has_answer)
    abstains = entry.question_id.endswith("_abs")
    question = ArchivedQuestion(entry.question, entry.question_type, () if abstains else evidence)
    return archive(entry.question_id, [ArchivedTurn(number, turn.content) for number, turn in said], [question])
