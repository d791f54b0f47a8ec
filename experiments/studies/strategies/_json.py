"""The trials of the part ``json``: documents are written, and each is read by a process that reads nothing else.

A small document and one four times as large: what the peak grows by between them is what a byte of input takes.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from experiments.measuring.role import Role
from experiments.studies.strategies._json_child import PROGRAM, JsonSeen
from experiments.workloads.states import successive
from systems.errors import SystemFailed

LINES = "lines"
_SHRUNK = 4
_FIRST_BYTES = 4096
_TEXTS = 200
_TAGS = ("billing", "delivery", "returns", "account", "other")
_KILLED = -9


class _Record(msgspec.Struct, frozen=True):
    """What a log of an agent's turns has of each."""

    id: str
    session: str
    turn: int
    role: str
    text: str
    tokens: int
    seconds: float
    tags: list[str]


class _Written(msgspec.Struct, frozen=True):
    """What was written, and what a reader must find."""

    size_bytes: int
    records: int
    tokens: int
    longest: int


def run(role: Role) -> None:
    """Have a small document read and a large one, and note what each took; of the large one, whether it was read."""
    part, condition = role.part, role.spec.condition
    part.went_beyond = "profile" in condition  # a kill is what came of a way, not the end of the trial
    large = int(condition["megabytes"] or 0) * 10**6
    in_lines = role.spec.subject == LINES
    first = role.work_dir / "first.json"
    _write(first, _FIRST_BYTES, role.spec.seed, in_lines=in_lines)
    for name, size in (("small", large // _SHRUNK), ("large", large)):
        path = role.work_dir / f"{name}.json"
        written = _write(path, size, role.spec.seed, in_lines=in_lines)
        seen = _read(role.spec.subject, first, path, limited=part.went_beyond)
        path.unlink()
        part.values[f"{name}_bytes"] = float(written.size_bytes)
        if seen is None:
            continue
        if (seen.records, seen.tokens, seen.longest) != (written.records, written.tokens, written.longest):
            raise SystemFailed(f"The way {role.spec.subject} did not find the records that were written.")
        if seen.backend:
            part.counters[f"ijson {seen.backend}"] = 1
        part.values |= {
            f"{name}_peak_bytes": float(seen.peak_bytes),
            f"{name}_read_s": seen.took_s,
            f"{name}_first_s": seen.first_s,
        }
    role.outside_look()


def _write(path: Path, size: int, seed: int, *, in_lines: bool) -> _Written:
    """Write records until the file has ``size`` bytes."""
    head, between, tail = (b"", b"\n", b"\n") if in_lines else (b'{"version":1,"records":[', b",", b"]}")
    count, tokens, longest, written = 0, 0, 0, len(head)
    with path.open("wb") as file:
        file.write(head)
        for record in _records(seed):
            line = (between if count else b"") + msgspec.json.encode(record)
            file.write(line)
            written += len(line)
            count, tokens, longest = count + 1, tokens + record.tokens, max(longest, len(record.text))
            if written >= size:
                break
        file.write(tail)
    return _Written(written + len(tail), count, tokens, longest)


def _records(seed: int) -> Iterator[_Record]:
    """Yield records without end; texts repeat, in an order of their own."""
    *_, last = successive(f"{seed}", "conversation", _TEXTS // 2)
    texts = [(message["role"], message["content"]) for message in msgspec.json.decode(last)["messages"]]
    rng = random.Random(f"records {seed}")
    number = 0
    while True:
        role, text = texts[rng.randrange(len(texts))]
        number += 1
        yield _Record(
            id=f"{rng.getrandbits(64):016x}",
            session=f"session-{rng.randrange(1000)}",
            turn=number,
            role=role,
            text=text,
            tokens=len(text) // 4,
            seconds=round(rng.random(), 3),
            tags=[_TAGS[rng.randrange(len(_TAGS))]],
        )


def _read(way: str, first: Path, path: Path, *, limited: bool) -> JsonSeen | None:
    """Have a process read ``first``, and then the file at ``path``; return what it saw of that.

    None where the kernel ended it for want of memory, which only a trial that is ``limited`` takes a kill for.
    """
    # The kernel is to choose the reader, not who counts its deaths; a process may always make itself likelier.
    likelier = ["/bin/sh", "-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$@"', "reader"]
    command = [*likelier, sys.executable, "-c", PROGRAM, way, str(first), str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if limited and done.returncode == _KILLED:
        return None
    if done.returncode:
        raise SystemFailed(f"The process that reads JSON ended with status {done.returncode}.")
    return msgspec.json.decode(done.stdout, type=JsonSeen)
