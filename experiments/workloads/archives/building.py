"""An archive of what was read: its sessions in time, each turn with an id of its own, questions with their evidence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from experiments.workloads.archives.interface import Archive, ArchivedQuestion, ArchivedTurn

NOTHING_ANSWERS = "questions that nothing answers, as their makers say"

_DAY_S = 86_400.0
# Memory takes turns an hour or more apart for turns of two sessions.
_APART_S = 3_900.0


class Line(msgspec.Struct, frozen=True):
    """What somebody said; its time of its own in seconds since the epoch, where the file has one."""

    id: str
    text: str
    speaker: str = ""
    said_at: float | None = None


class Session(msgspec.Struct, frozen=True):
    """A sitting: what was said, in order; when it began in seconds since the epoch, where the file says it readably."""

    name: str
    lines: Sequence[Line]
    began: float | None = None


class ReadQuestion(msgspec.Struct, frozen=True):
    """A question as it was read; ``left_out`` says why it cannot be graded, where its makers say so."""

    text: str
    kind: str
    evidence: Sequence[str]
    left_out: str = ""


def build(name: str, sessions: Iterable[Session], asked: Iterable[ReadQuestion], left_out: Counter[str]) -> Archive:
    """Return the archive of ``sessions``, with what of ``asked`` has evidence in them.

    ``left_out`` is what the reader left out; what is left out here is added to it.
    """
    kept = list(_each_once(sessions, left_out))
    turns: list[ArchivedTurn] = []
    for session, times in _in_time(kept):
        for line, said_at in zip(session.lines, times, strict=True):
            if line.text:
                text = f"{line.speaker}: {line.text}" if line.speaker else line.text
                turns.append(ArchivedTurn(line.id, text, session.name, line.speaker, said_at))
            else:
                left_out["turns without text"] += 1
    turns = _told_apart(turns, left_out)
    questions = _with_evidence(asked, {turn.id for turn in turns}, left_out)
    undated = sum(_began(session) is None for session in kept)
    return Archive(name, turns, questions, {what: many for what, many in left_out.items() if many}, undated)


def _each_once(sessions: Iterable[Session], left_out: Counter[str]) -> Iterable[Session]:
    """Yield the sessions in which something is said, without those that repeat an earlier one under its name or ids."""
    seen: set[tuple[object, ...]] = set()
    for session in sessions:
        said = tuple((line.speaker, line.text) for line in session.lines)
        same = {(session.name, said), (tuple(line.id for line in session.lines), said)}
        if not said:
            continue
        if seen & same:
            left_out["sessions listed twice"] += 1
            continue
        seen |= same
        yield session


def _began(session: Session) -> float | None:
    """Return when a session began: as it says, or as its first dated line does."""
    known = (line.said_at - place for place, line in enumerate(session.lines) if line.said_at is not None)
    return session.began if session.began is not None else next(known, None)


def _in_time(sessions: Sequence[Session]) -> list[tuple[Session, list[float]]]:
    """Return the sessions in the order of time, with the time of every line; they are more than an hour apart.

    Where two would be nearer to each other, the later one is moved.
    """
    if not sessions:
        return []
    found = []
    ended = -math.inf
    for start, session in sorted(zip(_starts(sessions), sessions, strict=True), key=lambda one: one[0]):
        times = _times(session, max(start, ended + _APART_S))
        ended = times[-1]
        found.append((session, times))
    return found


def _starts(sessions: Sequence[Session]) -> list[float]:
    """Return when each session began: without a date a day after the one before it, but before the next one's date."""
    known = [(place, began) for place, each in enumerate(sessions) if (began := _began(each)) is not None]
    known = [*(known or [(0, 0.0)]), (len(sessions), math.inf)]
    first, began = known[0]
    starts = [began - _DAY_S * (first - place) for place in range(first)]
    for (place, began), (following, later) in pairwise(known):
        count = following - place
        step = min(_DAY_S, (later - began) / count) if later > began else _DAY_S
        starts += [began + step * number for number in range(count)]
    return starts


def _times(session: Session, start: float) -> list[float]:
    """Return the time of every line of a session that is said to begin at ``start``: never backwards."""
    began = _began(session)
    moved = 0.0 if began is None else start - began
    times = [start]
    for line in session.lines[1:]:
        later = times[-1] + 1
        times.append(later if line.said_at is None else max(later, line.said_at + moved))
    return times


def _told_apart(turns: Sequence[ArchivedTurn], left_out: Counter[str]) -> list[ArchivedTurn]:
    """Return ``turns`` with ids of their own: one that several have is the first one's."""
    seen: Counter[str] = Counter()
    found = []
    for turn in turns:
        seen[turn.id] += 1
        if seen[turn.id] > 1:
            left_out["ids of a turn that another one has"] += 1
            turn = msgspec.structs.replace(turn, id=f"{turn.id} ({seen[turn.id]})")
        found.append(turn)
    return found


def _with_evidence(asked: Iterable[ReadQuestion], known: set[str], left_out: Counter[str]) -> list[ArchivedQuestion]:
    questions = []
    for one in asked:
        evidence = tuple(dict.fromkeys(turn for turn in one.evidence if turn in known))
        why = one.left_out or _ungradable(one, evidence)
        if why:
            left_out[why] += 1
            continue
        left_out["ids of evidence that no turn has"] += sum(turn not in known for turn in one.evidence)
        questions.append(ArchivedQuestion(one.text, one.kind, evidence))
    return questions


def _ungradable(one: ReadQuestion, evidence: Sequence[str]) -> str:
    if not one.text:
        return "questions without text"
    if not one.evidence:
        return "questions that name no turn with the answer"
    return "" if evidence else "questions whose named turns are not there"
