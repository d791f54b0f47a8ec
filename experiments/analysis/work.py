"""Equal work: what the model did in a trial, and whether two subjects' models did as much for each answer.

Every system is given the same turns and generates the same number of tokens whenever it calls the model, so a subject
whose model did less did not win by being quicker. What the engine did is counted around the engine where a record holds
that; in older ones it is what the replies said of themselves. What a record does not hold is missing, never 0.

Two subjects are compared per answered request, over the blocks that both have. A request that was lost may have cost as
much as one that was answered, or nothing: between these two lies what an answer cost, and work is unequal where even
that leaves no overlap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from experiments.measuring.records import Outcome, Part, Record

GENERATED_BOUND = 0.01
CALLS_BOUND = 0.01
"""By what share generated tokens and model calls may differ: replies are forced, so nothing but a lost call differs."""

PROMPT_BOUND = 0.05
"""By what share prompt tokens may differ. They do so by design: stores find other memories, histories are pruned in
other ways. In the reference lookups alone make up to 3.2 %, and pruning in steps 5.5 to 10.5 %: the first is what any
two systems differ by, the second is work that was left out."""

CACHED_BOUND = DEGRADED_BOUND = 0.01
"""By how much the shares of answers from a cache, and of turns that went on without a failed step, may differ."""

# The name of a total, what is said to be done with it, what one is called, and its bound.
_COMPARED = (
    ("generated_tokens", "generated", "token", GENERATED_BOUND),
    ("calls", "made", "model call", CALLS_BOUND),
    ("prompt_tokens", "sent", "prompt token", PROMPT_BOUND),
)

UNEQUAL = "unequal work"
"""How the sentence of a comparison begins whose subjects' models did not do as much."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the model did in one trial of ``subject``.

    Of its ``requests`` so many were ``answered``, so many of these ``from_cache``. The totals (``calls`` of the model,
    ``prompt_tokens`` given to it, ``generated_tokens``) are of these requests and of ``warm_up`` more, which were
    answered before. ``degraded`` counts steps that failed and were done without. In a condition that ``repeats``
    questions a cache may answer them. ``known_layout`` is the share of the graded questions whose prompt is one that
    the reader knows.
    """

    subject: str
    block: int
    requests: float = 0.0
    answered: float = 0.0
    warm_up: float = 0.0
    from_cache: float | None = None
    calls: float | None = None
    prompt_tokens: float | None = None
    generated_tokens: float | None = None
    degraded: float | None = None
    repeats: bool = False
    known_layout: float | None = None


class _Rate(msgspec.Struct, frozen=True):
    """How much of something an answer took, at least and at most."""

    least: float
    most: float

    def is_apart_from(self, other: _Rate, bound: float) -> bool:
        """Return whether this lies apart from ``other`` by more than the share ``bound``."""
        return self.least > other.most * (1 + bound) or self.most * (1 + bound) < other.least


def of(record: Record) -> Work | None:
    """Return what the model did in a trial; None where no record of it is, no agent was asked, or it ended badly."""
    if record.outcome is not Outcome.OK:
        return None
    found = _counted(record) or _replied(record)
    subject = record.part("subject")
    layout = subject.values.get("known_layout") if subject else None
    if found is None and layout is None:
        return None
    return msgspec.structs.replace(
        found or Work(subject=record.spec.subject, block=record.spec.block),
        repeats=record.spec.condition.get("questions") == "repeated",
        known_layout=layout,
    )


def labels(record: Record) -> tuple[str, ...]:
    """Return the sentences every table made from this trial must carry, of those that are known only after it."""
    work = of(record)
    unread = _unread([work]) if work else ""
    return (unread,) if unread else ()


def unequal(ours: Sequence[Work], theirs: Sequence[Work]) -> str:
    """Return in a sentence how the work of a subject and its reference in one condition differed; empty if it did not.

    Each of ``ours`` and ``theirs`` is a trial's; those of blocks that the other side lacks are left out.
    """
    shared = {work.block for work in ours} & {work.block for work in theirs}
    mine, base = ([work for work in side if work.block in shared] for side in (ours, theirs))
    if not shared:
        return ""
    found = []
    if told := _differences(mine, base):
        found.append(f"{UNEQUAL}: {', '.join(told)}")
    if mine[0].repeats and (cached := _cached(mine, base)):
        found.append(f"answers from its cache: {cached}")
    unread = [_unread(side) for side in (mine, base)]
    return "; ".join([*found, *filter(None, unread)])


def _counted(record: Record) -> Work | None:
    """Return what was counted around the engine, for lost requests too."""
    seen = next((part.counters for part in record.parts if "engine_calls" in part.counters), None)
    subject = record.part("subject")
    asking = _asking(record)
    if seen is None or subject is None or asking is None:
        return None
    rows = asking.requests
    requests = asking.values.get("requests", len(rows))
    if not requests:
        return None
    share = sum(row.outcome == "ok" for row in rows) / len(rows) if rows else 0.0
    cached = sum(row.source == "cache" for row in rows) / len(rows) if rows else None
    return Work(
        subject=record.spec.subject,
        block=record.spec.block,
        requests=requests,
        answered=asking.values.get("answered", requests * share),
        warm_up=subject.counters.get("warm_up_turns", 0),
        from_cache=None if cached is None else requests * cached,
        calls=seen["engine_calls"],
        prompt_tokens=seen["engine_prompt_tokens"],
        generated_tokens=seen["engine_generated_tokens"],
        degraded=subject.counters.get("degraded"),
    )


def _replied(record: Record) -> Work | None:
    """Return what the replies said: of answered requests alone, each one call if it came from the model."""
    asking = _asking(record)
    # What has no source was answered by no agent: a piece of blocking work, a lookup in a store.
    answered = [row for row in asking.requests if row.outcome == "ok" and row.source] if asking else []
    if not answered:
        return None
    made = [row for row in answered if row.source == "model"]
    subject = record.part("subject")
    return Work(
        subject=record.spec.subject,
        block=record.spec.block,
        requests=len(answered),
        answered=len(answered),
        from_cache=sum(row.source == "cache" for row in answered),
        calls=len(made),
        prompt_tokens=sum(row.prompt_tokens for row in made),
        generated_tokens=sum(row.generated_tokens for row in answered),
        degraded=_degraded(subject, len(answered)),
    )


def _asking(record: Record) -> Part | None:
    return record.part("client") or record.part("subject")


def _degraded(subject: Part | None, answered: int) -> float | None:
    """Return the failed steps of ``answered`` turns, of those of the whole trial."""
    if subject is None or not subject.counters.get("turns"):
        return None
    return subject.counters.get("degraded", 0) * answered / subject.counters["turns"]


def _differences(mine: Sequence[Work], base: Sequence[Work]) -> list[str]:
    """Return what ``mine`` did more or less of than ``base``, in words."""
    us, them = mine[0].subject, base[0].subject
    cached = _cached(mine, base)
    did, instead = [], []
    for name, done, noun, bound in _COMPARED:
        if name == "prompt_tokens" and cached and mine[0].repeats:
            continue  # a cache answers late turns, whose prompts are long: the others' are short, and no less work
        ours, theirs = (_rate(side, name) for side in _told(mine, base, name))
        if ours and theirs and ours.is_apart_from(theirs, bound):
            many = "" if _number(ours) == "1" else "s"
            did.append(f"{done} {_number(ours)} {noun}{many}")
            instead.append(f"{done} {_number(theirs)}")
    told = [f"{us} {', '.join(did)} a request where {them} {', '.join(instead)}"] if did else []
    if cached and not mine[0].repeats:
        told.append(f"{cached}, though no question repeats")
    failed, base_failed = (_share(side, "degraded") for side in _told(mine, base, "degraded"))
    if failed is not None and base_failed is not None and abs(failed - base_failed) > DEGRADED_BOUND:
        told.append(
            f"{us} went on without a failed step {failed:.3g} times a request where {them} did {base_failed:.3g} times"
        )
    return told


def _told(mine: Sequence[Work], base: Sequence[Work], name: str) -> tuple[list[Work], list[Work]]:
    """Return the trials of the blocks in which both sides say how much of ``name`` was done."""
    silent = {work.block for work in (*mine, *base) if getattr(work, name) is None}
    ours, theirs = ([work for work in side if work.block not in silent] for side in (mine, base))
    return ours, theirs


def _cached(mine: Sequence[Work], base: Sequence[Work]) -> str:
    """Return how often either answered from its cache, in words; empty where they did so equally often."""
    ours, theirs = (_share(side, "from_cache") for side in _told(mine, base, "from_cache"))
    if ours is None or theirs is None or abs(ours - theirs) <= CACHED_BOUND:
        return ""
    us, them = mine[0].subject, base[0].subject
    return f"{us} answered {ours:.0%} of its requests from a cache where {them} answered {theirs:.0%}"


def _rate(works: Sequence[Work], name: str) -> _Rate | None:
    """Return how much of ``name`` an answer took; None where some trial does not say.

    Where questions repeat an answer from a cache is work that was saved: it counts among the answers of others.
    """
    totals = [getattr(work, name) for work in works]
    if any(total is None for total in totals):
        return None
    others = sum(work.warm_up - (work.from_cache or 0.0 if work.repeats else 0.0) for work in works)
    requests = sum(work.requests for work in works) + others
    answered = sum(work.answered for work in works) + others
    if requests <= 0:
        return None
    return _Rate(sum(totals) / requests, sum(totals) / answered if answered > 0 else math.inf)


def _share(works: Sequence[Work], name: str) -> float | None:
    """Return ``name`` of every answered request; None where some trial does not say, or nothing was answered."""
    totals = [getattr(work, name) for work in works]
    answered = sum(work.answered for work in works)
    return None if answered <= 0 or any(total is None for total in totals) else sum(totals) / answered


def _number(rate: _Rate) -> str:
    """Return a rate as a person reads it: what an answer took at most, where that is known."""
    value = rate.most if math.isfinite(rate.most) else rate.least
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _unread(works: Sequence[Work]) -> str:
    """Return that the reader could not read all prompts, in a sentence; empty if it could, or read none."""
    known = [work.known_layout for work in works if work.known_layout is not None]
    if not known or min(known) == 1:
        return ""
    percent = 100 * (1 - sum(known) / len(known))
    return (
        f"{percent:.3g} % of the prompts of {works[0].subject} have a layout or words that the reader was not trained "
        "on: its right answers are a lower bound"
    )
