"""Concise prompts: the same asked at length and in few words, over the data beside it and the length of the reply.

*Forced*: the model is made to say replies of equal length, so that what is measured is what the instruction costs and
nothing else. In one condition the engine keeps what it computed of the instruction, which stands first in each prompt.
*Own words*: the real model ends its replies itself, which shows whether the concise instruction shortens them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._prompts_names import CONCISE, FORCED, OWN_WORDS, VERBOSE
from systems import registry
from systems.settings import names_of

PART = "prompts"
QUESTION = "the same asked at length and in few words, beside more and more data: how many tokens, how long to a reply?"
MEASURES = (
    "asked_tokens",
    "call_tokens",
    "latency_p50",
    "time_to_first_token_p50",
    "cpu_per_request",
    "reply_tokens",
    "success_rate",
)
PRIMARY = 4

REFERENCES = (VERBOSE,)
SUBJECTS = (VERBOSE, CONCISE)

MODEL = "smollm2"
"""The real model, as `systems.models.find.resolve` knows it."""

LACKING = f"it takes the model {MODEL} (`fourgig model get {MODEL}`) and an engine that runs models"

# Tokens of data, tokens of the reply, and whether the engine keeps what it computed of the instruction.
_Point = tuple[int, int, bool]
SHORT_REPLY, _USUAL_DATA = 16, 50
_ARMED: _Point = (_USUAL_DATA, SHORT_REPLY, False)
_STANDARD: tuple[_Point, ...] = (
    (0, SHORT_REPLY, False),
    _ARMED,
    (200, SHORT_REPLY, False),
    (_USUAL_DATA, 64, False),
    (_USUAL_DATA, SHORT_REPLY, True),
)
_WIDE = (*_STANDARD, (800, SHORT_REPLY, False), (_USUAL_DATA, 256, False), (800, 256, False))
_POINTS: dict[Preset, tuple[_Point, ...]] = {
    "smoke": (_ARMED,),
    "quick": ((0, SHORT_REPLY, False), _ARMED),
    "standard": _STANDARD,
    "wide": _WIDE,
    "paper": (
        *_WIDE,
        *((data, reply, False) for data in (0, 200) for reply in (64, 256)),
        *((data, SHORT_REPLY, True) for data in (0, 200, 800)),
    ),
}
_CALLS: dict[Preset, int] = {"smoke": 1, "quick": 1}
_USUAL_CALLS = 3

_OWN_CALLS: dict[Preset, int] = {"wide": 8, "paper": 32}
_OWN_DATA, _OWN_MOST = 200, 400
# The likeliest words, so that nothing is drawn; the penalty is the one that the model's file advises.
_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0}

# Seconds, for estimates: a trial without its calls; a token read, and one said, by a small model on two processors.
_START_S, _READ_S, _SAID_S = 1.0, 0.001, 0.012
_TEMPLATE_TOKENS = 80


def shapes(preset: Preset) -> tuple[str, ...]:
    """Return the real model, which answers in its own words, if this preset has that."""
    return (MODEL,) if preset in _OWN_CALLS else ()


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell an instruction, number of data tokens and length of reply; and those in own words."""
    points = _POINTS[request.preset]
    found = [_forced(request, subject, point) for point in points for subject in SUBJECTS]
    arms = twins(_forced(request, subject, _ARMED) for subject in SUBJECTS) if request.preset in GRADED else []
    return [*found, *arms, *_own_words(request)]


def _forced(request: GridRequest, subject: str, point: _Point) -> Cell:
    data, reply, kept = point
    calls = _CALLS.get(request.preset, _USUAL_CALLS)
    a_call_s = (data + _TEMPLATE_TOKENS) * _READ_S + reply * _SAID_S
    return Cell(
        part=PART,
        condition={"part": PART, "work": FORCED, "data": data, "reply": reply, "kept": kept, "calls": calls},
        subject=subject,
        engine=request.engine,
        says_itself=True,
        estimate_s=_START_S + (calls + 1) * a_call_s,
        timeout_s=120.0,
    )


def _own_words(request: GridRequest) -> Iterator[Cell]:
    calls = _OWN_CALLS.get(request.preset)
    if calls is None or not registry.engines.get(request.engine.name).runs_a_model:
        return
    engine = request.shapes.get(MODEL)
    for subject in SUBJECTS:
        yield Cell(
            part=PART,
            condition={"part": PART, "work": OWN_WORDS, "data": _OWN_DATA, "most": _OWN_MOST, "calls": calls},
            subject=subject,
            engine=None if engine is None else _likeliest(engine),
            says_itself=True,
            blocks=1,  # the likeliest words: what differs is the data, of which a trial has several
            impossible="" if engine else LACKING,
            estimate_s=_START_S + calls * (_OWN_MOST * _SAID_S + _OWN_DATA * _READ_S),
            timeout_s=120.0 + 30 * calls,
        )


def _likeliest(engine: EngineSpec) -> EngineSpec:
    """Return ``engine`` saying the likeliest word each time."""
    known = names_of(registry.engines.get(engine.name).Settings)
    settings = {name: value for name, value in _LIKELIEST.items() if name in known}
    return msgspec.structs.replace(engine, settings={**engine.settings, **settings})


def run(role: Role) -> None:
    """Ask with the subject's instruction, and note the tokens of each call and when it was answered."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _prompts

    _prompts.run(role)
