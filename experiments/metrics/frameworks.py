"""Frameworks: what a turn costs and sends, what a start and a session hold, and what a kill or a full context leaves.

The system runs in processes of its own below the subject's. Processor time is that of everything inside the limits:
the system's, and what the lab does to pass a turn on, which is the same for all and what the bare client shows; the
endpoint and the users are outside. Memory, descriptors and threads are those of the system's processes alone. Tokens
are words and marks, as no model ran. A session is looked at after its first turn, a quarter, three quarters, and all;
what is read there is done inside the limits, and left out of what the turns take.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from experiments.measuring.records import Record
from experiments.metrics._reading import number, subject
from experiments.metrics.interface import Metric, Missing
from experiments.metrics.saving_turns import share
from experiments.workloads.framework_levels import FULL_CONTEXT, LOOKED, begins, ends


def _stretch_s(record: Record, before: str, after: str) -> float | Missing:
    """Return the processor time of the turns between two looks; what was read when it was looked is no turn's."""
    looks = record.outside.looks
    if begins(before) not in looks or ends(after) not in looks:
        return Missing("the session has no quarters")
    first, last = looks[begins(before)].cpu_seconds, looks[ends(after)].cpu_seconds
    if first is None or last is None:
        return Missing("this backend cannot know the group's processor time")
    return last - first


def turn_cpu(record: Record) -> float | Missing:
    """Compute the processor time a turn."""
    turns, spent = number(record, "turns"), 0.0
    if isinstance(turns, Missing):
        return turns
    for before, after in pairwise(LOOKED):
        stretch = _stretch_s(record, before, after)
        if isinstance(stretch, Missing):
            return stretch
        spent += stretch
    return spent / (turns - 1)


def turn_cpu_growth(record: Record) -> float | Missing:
    """Compute how many times as much processor time a turn of the last quarter takes as one of the first."""
    early, late = _stretch_s(record, "first", "quarter"), _stretch_s(record, "three-quarters", "last")
    turns = number(record, "turns")
    if isinstance(turns, Missing):
        return turns
    if isinstance(early, Missing) or isinstance(late, Missing):
        return early if isinstance(early, Missing) else late
    if early <= 0:
        return Missing("the first quarter took less processor time than the kernel counts")
    return (late / (turns - 3 * turns // 4)) / (early / (turns // 4 - 1))


def turn_memory(record: Record) -> float | Missing:
    """Compute by how much anonymous memory grows with a turn, once a quarter has passed."""
    turns = number(record, "turns")
    early, late = number(record, "anonymous_bytes/quarter"), number(record, "anonymous_bytes/last")
    if isinstance(turns, Missing) or isinstance(early, Missing) or isinstance(late, Missing):
        return Missing("the session has no quarters, or the kernel does not tell anonymous memory apart")
    return (late - early) / (turns - turns // 4)


def came(record: Record, outcome: str) -> float | Missing:
    """Compute whether a conversation that does not fit came to this end."""
    part = subject(record)
    if isinstance(part, Missing):
        return part
    known = [name for name in FULL_CONTEXT if f"overflow/{name}" in part.values]
    return float(outcome in known) if known else Missing("no context was full")


def _metric(name: str, title: str, unit: str, noted: str, formula: str) -> Metric:
    return Metric(
        name=name, title=title, unit=unit, better="lower", formula=formula, compute=partial(number, name=noted)
    )


def _sent(what: str, place: str, words: str) -> Metric:
    return Metric(
        name=f"prompt_{what}_{place}",
        title=f"{what.capitalize()} in the prompt of the {words}",
        unit="count",
        better="neither",
        formula=f"{what} of the newest prompt that asks the question of the {words}, the question included",
        compute=partial(number, name=f"{what}/{place}"),
        exact=True,
    )


METRICS = (
    Metric(
        name="turn_cpu",
        title="Processor time a turn",
        unit="s",
        better="lower",
        formula="processor seconds of all processes inside the limits for the turns after the first, what is read when "
        "it is looked left out ÷ these turns",
        compute=turn_cpu,
    ),
    Metric(
        name="turn_cpu_growth",
        title="Processor time of a late turn over an early one",
        unit="ratio",
        better="lower",
        formula="processor time a turn in the last quarter of the session ÷ in the first, the first turn left out",
        compute=turn_cpu_growth,
    ),
    Metric(
        name="turn_memory",
        title="Growth of memory a turn",
        unit="bytes/turn",
        better="lower",
        formula="anonymous memory of the system's processes after the last turn − after a quarter ÷ turns between",
        compute=turn_memory,
        comparable=False,
    ),
    *(
        _sent(what, place, words)
        for what in ("messages", "tokens")
        for place, words in (("first", "first turn"), ("quarter", "turn after a quarter"), ("last", "last turn"))
    ),
    Metric(
        name="prompt_instructions",
        title="Tokens of the system's messages in a prompt",
        unit="count",
        better="neither",
        formula="tokens of the messages of the role system in the newest prompt that asks a question",
        compute=partial(number, name="system_tokens"),
        exact=True,
    ),
    Metric(
        name="turn_calls",
        title="Model calls a turn",
        unit="count",
        better="lower",
        formula="calls that the endpoint was asked for ÷ turns",
        compute=partial(share, part="calls", whole="turns"),
        exact=True,
    ),
    Metric(
        name="turn_other_calls",
        title="Model calls a turn that ask for something else",
        unit="count",
        better="lower",
        formula="calls that ask none of the questions, such as for a title ÷ turns",
        compute=partial(share, part="other_calls", whole="turns"),
        exact=True,
    ),
    _metric("session_disk", "Disk a session", "bytes", "disk_bytes", "bytes of the files left at the end ÷ sessions"),
    _metric("system_memory", "Resident memory", "bytes", "rss_bytes", "resident memory of the system's processes"),
    _metric("descriptors", "Descriptors", "count", "descriptors", "open files and sockets of the system's processes"),
    _metric("threads", "Threads", "count", "threads", "threads of the system's processes"),
    _metric(
        "system_start",
        "Time from a start to the first reply",
        "s",
        "start_s",
        "from the start of the system's process to its first whole reply, the second time it is started",
    ),
    _metric(
        "system_first_start",
        "The same when it is started for the first time",
        "s",
        "first_start_s",
        "from the start of the system's process to its first whole reply, its files being perhaps not in memory",
    ),
    _metric("system_ready", "Time until it is ready", "s", "ready_s", "from the start of the process until it says so"),
    _metric(
        "system_idle_memory",
        "Resident memory while nobody asks",
        "bytes",
        "idle_rss_bytes",
        "resident memory of the system's processes half a second after the first reply, added",
    ),
    _metric(
        "system_idle_cpu",
        "Processor time while nobody asks",
        "ratio",
        "idle_cpu_share",
        "processor time of the system's processes in half a second after the first reply ÷ that time",
    ),
    Metric(
        name="turns_kept",
        title="Acknowledged turns in the next prompt after an end",
        unit="ratio",
        better="higher",
        formula="turns whose question and answer stand in the next prompt ÷ turns acknowledged before the end",
        compute=partial(share, part="kept", whole="acknowledged"),
        exact=True,
        counts_failures=True,
    ),
    Metric(
        name="questions_kept",
        title="Their questions in the next prompt after an end",
        unit="ratio",
        better="higher",
        formula="turns whose question stands in the next prompt ÷ turns acknowledged before the end",
        compute=partial(share, part="questions_kept", whole="acknowledged"),
        exact=True,
        counts_failures=True,
    ),
    Metric(
        name="goes_on",
        title="Sessions that go on after an end",
        unit="ratio",
        better="higher",
        formula="1 where the next turn is answered, else 0",
        compute=partial(number, name="goes_on"),
        exact=True,
        counts_failures=True,
    ),
    *(
        Metric(
            name=f"overflow_{outcome}",
            title=f"Full context: {outcome}",
            unit="ratio",
            better="neither",
            formula=f"1 where {words}, else 0",
            compute=partial(came, outcome=outcome),
            exact=True,
            counts_failures=True,
        )
        for outcome, words in FULL_CONTEXT.items()
    ),
    Metric(
        name="overflow_answered",
        title="Full context: turns answered",
        unit="ratio",
        better="higher",
        formula="turns answered ÷ turns from the first one on for which the whole conversation is too long",
        compute=partial(share, part="full_answered", whole="full_turns"),
        exact=True,
        counts_failures=True,
    ),
    Metric(
        name="overflow_sent",
        title="Full context: longest prompt that was sent",
        unit="ratio",
        better="lower",
        formula="tokens of the longest prompt that was sent ÷ tokens of the context",
        compute=partial(number, name="most_sent"),
        exact=True,
    ),
)
