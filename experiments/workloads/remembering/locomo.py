"""A natural conversation in the format of LoCoMo, which `experiments.workloads.archives` reads.

``python -m experiments.workloads.remembering.locomo --seed 7 --turns 500 > file.json`` writes one. A question's
category says its kind as well as LoCoMo's categories can: 2 where it asks for a time, else 4. Of what was told twice
both turns are evidence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec

from experiments.workloads.remembering.conversation import Conversation, Told
from experiments.workloads.remembering.natural.conversation import converse_naturally
from experiments.workloads.remembering.values import Language

_SESSIONS_APART_S = 3600.0  # those of a natural conversation are hours apart, its turns minutes
_BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
_USER = "User"  # of whoever writes to an assistant
_TEMPORAL, _SINGLE_HOP = 2, 4


def exported(conversation: Conversation, name: str) -> bytes:
    """Return a file with ``conversation`` as its one dialogue, called ``name``."""
    ids: list[str] = []
    sample: dict[str, Any] = {}
    for number, session in enumerate(_sessions(conversation.turns), 1):
        began = _BEGAN + timedelta(seconds=session[0].created)
        sample[f"session_{number}_date_time"] = _date(began)
        sample[f"session_{number}"] = []
        for place, turn in enumerate(session, 1):
            ids.append(f"D{number}:{place}")
            sample[f"session_{number}"].append(
                {"speaker": turn.speaker or _USER, "dia_id": ids[-1], "text": _said(turn)}
            )
    questions = [
        {
            "question": one.text,
            "answer": one.answer,
            "evidence": [ids[turn] for turn in one.evidence],
            "category": _TEMPORAL if one.kind == "dated" else _SINGLE_HOP,
        }
        for one in conversation.questions
    ]
    return msgspec.json.encode([{"sample_id": name, "conversation": sample, "qa": questions}])


def _sessions(turns: Sequence[Told]) -> Iterator[list[Told]]:
    session: list[Told] = []
    for turn in turns:
        if session and turn.created - session[-1].created > _SESSIONS_APART_S:
            yield session
            session = []
        session.append(turn)
    if session:
        yield session


def _date(when: datetime) -> str:
    """Return the date as the format writes it: "1:56 pm on 8 May, 2023"."""
    return f"{when:%I:%M %p}".lower().lstrip("0") + f" on {when.day} {when:%B}, {when.year}"


def _said(turn: Told) -> str:
    """Return what is said without the name of who says it, which the format has apart."""
    if turn.speaker is None:
        return turn.text
    return turn.text.removeprefix(turn.speaker).lstrip(":： ")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a file to the standard output."""
    parser = argparse.ArgumentParser(description="Write a natural conversation in the format of LoCoMo.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--language", choices=get_args(Language), action="append", help="both if it is not said")
    chosen = parser.parse_args(arguments)
    languages = chosen.language or get_args(Language)
    made = converse_naturally(chosen.seed, chosen.turns, chosen.questions, languages=languages)
    sys.stdout.buffer.write(exported(made, f"natural-{chosen.seed}-{chosen.turns}"))


if __name__ == "__main__":
    main()
