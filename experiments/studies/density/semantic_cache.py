"""Hits against false hits of caches that know a question by its meaning, on pairs, and on streams of questions.

*Pairs* (``from`` "pairs"): of every kind, so many are served, at every threshold; ``gate`` "on" is the whole cache
with its shipped threshold, "off" the same without its gate, with a threshold that was settled so on the settling
split. Reported is the held-out split. "exact" serves the same words, "oracle" what is right. A cache that is not
there serves nothing.

*Streams* (``from`` "stream"): the whole cache answers the questions of four people, of which stated shares are repeats
and paraphrases; the time of every lookup is noted, and bytes held. ``search`` tells how the nearest is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads.paired.pairs import KINDS, Language, pairs
from experiments.workloads.paired.streams import StreamQuestion, stream
from systems.engines.interface import EmbeddingEngine
from systems.interface import Reply, Source

PART = "semantic-cache"
QUESTION = "how many questions does a cache by meaning serve rightly, and how many wrongly?"
PRIMARY = 2
MEASURES = (
    "semantic_hit_rate",
    "semantic_false_hits",
    *(f"semantic_false_{kind}" for kind in KINDS if kind != "paraphrase"),
    "hits_at_one_percent",
    "hit_rate",
    "wrong_lookup_share",
    "lookup_p50",
    "lookup_p95",
    "held_bytes",
)

ENCODERS = {"minilm": ("en",), "e5-small": ("en", "zh"), "wordllama": ("en",)}
"""The encoders by name, and the languages that each reads."""

_RIVALS = ("exact", "oracle")
_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_GATES: dict[Preset, tuple[str, ...]] = {"smoke": ("on",), "quick": ("on",), "standard": ("on",)}
_BOTH_GATES = ("on", "off")
# What is enough to see that everything works, and which way things point: both in one language.
_FEW: dict[Preset, tuple[str, ...]] = {"smoke": ("wordllama", "exact"), "quick": ("minilm", "wordllama", *_RIVALS)}
# Repeats and paraphrases among all questions. No source says what share of an agent's questions is either.
_SHARES: dict[Preset, tuple[tuple[float, float], ...]] = {
    "smoke": ((0.2, 0.2),),
    "quick": ((0.2, 0.2),),
    "standard": ((0.0, 0.0), (0.2, 0.4)),
    "wide": ((0.0, 0.0), (0.1, 0.2), (0.2, 0.4), (0.4, 0.2)),
    "paper": ((0.0, 0.0), (0.1, 0.2), (0.2, 0.4), (0.3, 0.3), (0.4, 0.2), (0.0, 0.6)),
}
_LENGTH: dict[Preset, int] = {"smoke": 60, "quick": 100, "standard": 100, "wide": 100, "paper": 800}


def cells(request: GridRequest) -> list[Cell]:
    """Return the cells: pairs by language and gate, streams by language and shares."""
    found = []
    for language in _LANGUAGES[:1] if request.preset in _FEW else _LANGUAGES:
        subjects = [*(name for name, reads in ENCODERS.items() if language in reads), *_RIVALS]
        subjects = [name for name in subjects if name in _FEW.get(request.preset, subjects)]
        for gate in _GATES.get(request.preset, _BOTH_GATES):
            condition: dict[str, Scalar] = {"part": PART, "from": "pairs", "language": language, "gate": gate}
            found += [_cell(condition, subject) for subject in subjects]
        length = _LENGTH[request.preset]
        for repeats, paraphrases in _SHARES[request.preset]:
            hashed = request.preset not in _GATES and (repeats, paraphrases) == _SHARES[request.preset][-1]
            searches = ("exact", "hashed") if hashed else ("exact",)
            for search in searches:
                condition = {"part": PART, "from": "stream", "language": language, "questions": length}
                condition |= {"repeats": repeats, "paraphrases": paraphrases, "search": search}
                found += [_cell(condition, subject) for subject in subjects if search == "exact" or subject in ENCODERS]
    if request.preset in GRADED:
        last = _SHARES[request.preset][-1]
        found += twins(
            cell
            for cell in found
            if (cell.condition.get("repeats"), cell.condition.get("paraphrases")) == last
            and cell.condition["search"] == "exact"
            and cell.condition["language"] == "en"
        )
    return found


def _cell(condition: dict[str, Scalar], subject: str) -> Cell:
    return Cell(
        part=PART,
        condition=condition,
        subject=subject,
        requires=(subject,) if subject in ENCODERS else (),
        # What a gate and hashing are worth is seen in two blocks: no claim is judged by them.
        blocks=2 if condition.get("gate") == "off" or condition.get("search") == "hashed" else None,
        estimate_s=1.2 if subject in ENCODERS else 0.3,
    )


def run(role: Role) -> None:
    """Judge the pairs, or answer the stream."""
    if role.spec.condition["from"] == "pairs":
        _pairs(role)
    else:
        _stream(role)
    role.outside_look()


def _language(role: Role) -> Language:
    return "zh" if role.spec.condition["language"] == "zh" else "en"


def _pairs(role: Role) -> None:
    language, seed, subject = _language(role), role.spec.seed, role.spec.subject
    asked = pairs(seed, "held-out", language)
    if subject in _RIVALS:
        for kind in KINDS:
            mine = [pair for pair in asked if pair.kind == kind]
            served = [pair.same if subject == "oracle" else pair.first == pair.then for pair in mine]
            role.part.values |= {kind: len(mine), f"{kind}_hits": sum(served)}
        return
    from experiments.grading import paired
    from systems.tiered.semantic.thresholds import measured_for, threshold_of

    gated = role.spec.condition["gate"] == "on"
    with _loaded(subject) as encoder:
        if gated:
            threshold = threshold_of(encoder.identity)
        else:
            point = measured_for(encoder.identity).without_gate
            # Where no threshold keeps false hits low enough, none is right: such a cache has to serve nothing.
            threshold = paired.NEVER if point is None else point.threshold
        found = paired.judged(encoder, asked)
    role.part.values.update(
        {name: float(count) for name, count in paired.counts(found, threshold, gated=gated).items()},
        similarity=threshold.similarity,
        least_shared=threshold.least_shared,
    )
    points = paired.curve(found, gated=gated, least_shared=threshold.least_shared)[:: paired.THIN]
    role.part.series |= {
        "similarity": [point.threshold.similarity for point in points],
        "hit_share": [round(point.hits, 6) for point in points],
        "false_share": [round(point.false_hits, 6) for point in points],
        "worst_false_share": [round(point.worst_false, 6) for point in points],
    }


Lookup = Callable[[StreamQuestion], Reply | None]
Store = Callable[[StreamQuestion, Reply], None]


def _stream(role: Role) -> None:
    condition = role.spec.condition
    asked = list(
        stream(
            role.spec.seed,
            _language(role),
            int(condition["questions"] or 0),
            repeats=float(condition["repeats"] or 0),
            paraphrases=float(condition["paraphrases"] or 0),
        )
    )
    hits = wrong = 0
    seconds = []
    with _cache(role) as (get, put, held):
        for one in asked:
            began = time.perf_counter()
            reply = get(one)
            seconds.append(round(time.perf_counter() - began, 7))
            if reply is None:
                # The text stands for a reply of a few sentences; what it means tells afterwards whether it was right.
                put(one, Reply(request_id="", text=one.meaning, source=Source.MODEL))
            else:
                hits += 1
                wrong += reply.text != one.meaning
        role.part.values.update(accesses=len(asked), hits=hits, wrong=wrong, held_bytes=held())
    role.part.values["distinct"] = len({(one.person, one.meaning) for one in asked})
    role.part.series["lookup_s"] = seconds


@contextmanager
def _cache(role: Role) -> Iterator[tuple[Lookup, Store, Callable[[], float]]]:
    """Yield how the subject looks up, how it stores, and how many bytes it holds."""
    subject = role.spec.subject
    if subject in _RIVALS:
        replies: dict[tuple[str, str], Reply] = {}

        def key(one: StreamQuestion) -> tuple[str, str]:
            return one.person, one.text if subject == "exact" else one.meaning

        yield (
            lambda one: replies.get(key(one)),
            lambda one, reply: replies.__setitem__(key(one), reply),
            lambda: float(
                sum(len("".join(known).encode()) + len(reply.text.encode()) for known, reply in replies.items())
            ),
        )
        return
    from systems.tiered.semantic.cache import SemanticCache
    from systems.tiered.semantic.scopes import Scopes

    with _loaded(subject) as encoder:
        cache = SemanticCache(encoder, search="hashed" if role.spec.condition["search"] == "hashed" else "exact")
        scopes = Scopes()

        def get(one: StreamQuestion) -> Reply | None:
            hit = cache.get(scopes.scope(one.person), one.text)
            return None if hit is None else hit.reply

        def put(one: StreamQuestion, reply: Reply) -> None:
            scope = scopes.scope(one.person)
            scopes.said(one.person, one.text)
            cache.put(scope, one.text, reply)

        yield get, put, lambda: float(cache.bytes)
        role.part.counters |= dict(cache.counts)


@contextmanager
def _loaded(name: str) -> Iterator[EmbeddingEngine]:
    from systems.engines.embedding.opening import embedding_engine
    from systems.models import embeddings

    encoder = embedding_engine(embeddings.resolve(name).path)
    encoder.load()
    try:
        yield encoder
    finally:
        encoder.close()
