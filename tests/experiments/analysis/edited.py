"""A small recorded run to be edited: some cells of the committed reference, of two agents in three studies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from experiments.measuring import records, runs
from experiments.measuring.records import Outcome, Part, Record
from tests.experiments.analysis import synthetic

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
TOTAL = {"work": "inference", "requests": 5}
USERS = {"work": "inference", "users": 10, "turns": 1, "arrivals": "closed"}
ANSWERS = {"part": "answers", "turns": 500}
SOAK = {"part": "soak", "work": "no model", "turns": 2000}
SUBJECTS = ("baseline", "asynchronous")

Edit = Callable[[Record], Record | None]


@cache
def recorded() -> tuple[Record, ...]:
    """Return the records as they were measured, each trial once, by its last record."""
    cells = {"isolation": (TOTAL,), "load": (USERS,), "memory": (SOAK,), "memory-remembering": (ANSWERS,)}
    last = {
        record.key: msgspec.structs.replace(record, outside=msgspec.structs.replace(record.outside, timeline=[]))
        for part, conditions in cells.items()
        for record in records.read(REFERENCE / part / runs.TRIALS)
        if record.spec.condition in conditions and record.spec.subject in SUBJECTS and not record.spec.traced
    }
    return tuple(last.values())


def write(folder: Path, *edits: Edit) -> Path:
    """Write the run with each record changed by every one of ``edits``; one that becomes None is left out."""
    studies = ("isolation", "load", "memory")
    parts = [runs.read_info(REFERENCE / part) for part in (*studies, "memory-remembering")]
    info = parts[0]
    made = []
    for record in recorded():
        changed: Record | None = record
        for edit in edits:
            changed = edit(changed) if changed is not None else None
        if changed is not None:
            made.append(changed)
    fields = {name: getattr(info, name) for name in ("code_version", "backend", "engine", "profile")}
    fields["code_versions"] = sorted(
        {version for part in parts for version in (part.code_version, *part.code_versions)}
    )
    return synthetic.write(folder, made, blocks=6, studies=studies, environment=info.environment, **fields)


def of(change: Edit, *subjects: str, blocks: range = range(6), twin: bool = False, **factors: object) -> Edit:
    """Return an edit that changes only the trials of these subjects, blocks and factors."""

    def edit(record: Record) -> Record | None:
        spec = record.spec
        mine = not subjects or spec.subject in subjects
        here = spec.block in blocks and spec.twin is twin and factors.items() <= spec.condition.items()
        return change(record) if mine and here else record

    return edit


def ended(outcome: Outcome) -> Edit:
    """Return an edit that makes a trial end otherwise."""
    return lambda record: msgspec.structs.replace(record, outcome=outcome, reason="edited")


def requests(**changes: object) -> Edit:
    """Return an edit that changes every request."""
    return lambda record: _parts(
        record, lambda part: {"requests": [msgspec.structs.replace(row, **changes) for row in part.requests]}
    )


def slower(factor: Callable[[Record], float]) -> Edit:
    """Return an edit that makes every request take so many times as long."""

    def edit(record: Record) -> Record:
        times = factor(record)
        return _parts(
            record,
            lambda part: {
                "requests": [
                    msgspec.structs.replace(row, finished_s=row.intended_s + times * (row.finished_s - row.intended_s))
                    for row in part.requests
                ]
            },
        )

    return edit


def noted(**values: float) -> Edit:
    """Return an edit that changes what the subject noted."""
    return lambda record: _parts(record, lambda part: {"values": {**part.values, **values}} if part.values else {})


def drifting(bytes_a_turn: Callable[[Record], float]) -> Edit:
    """Return an edit that makes the subject's memory grow by so much more a turn."""

    def grown(record: Record, part: Part) -> dict[str, object]:
        if "anonymous_bytes" not in part.series:
            return {}
        more = bytes_a_turn(record)
        pairs = zip(part.series["anonymous_bytes"], part.series["turn"], strict=True)
        return {"series": {**part.series, "anonymous_bytes": [size + more * turn for size, turn in pairs]}}

    return lambda record: _parts(record, lambda part: grown(record, part))


def _parts(record: Record, changed: Callable[[Part], dict[str, object]]) -> Record:
    return msgspec.structs.replace(
        record, parts=[msgspec.structs.replace(part, **changed(part)) for part in record.parts]
    )
