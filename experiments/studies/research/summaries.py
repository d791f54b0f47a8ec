"""Summaries: what a prompt has of a conversation that grows, what the model still knows of it, and what a turn waits.

Three kinds of work. ``no model``: a long conversation with an engine that takes no time, in which each summary is
made before the next turn, shows how the prompt grows and which messages are in it nowhere. ``timed``: the engine takes
stated times, a pause lies between two turns, and the summary occupies the one engine: what does the next turn wait?
``own words``: the real model sums up what it is told, and is then asked for facts of different ages.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.research._levels import INFERENCE, OWN_WORDS, SHORTENED, TIMED, UNTIMED
from systems import registry
from systems.settings import names_of

PART = "summaries"
QUESTION = "the full text, the last messages or a rolling summary: how does the prompt grow, and what is still known?"
MEASURES = (
    "prompt_tokens_slope",
    "messages_in_neither",
    "summary_right",
    "latency_p95",
    "prompt_tokens_slope_low",
    "prompt_tokens_slope_high",
    "prompt_tokens_late",
    "messages_in_neither_most",
    "summary_right_recent",
    "summary_right_old",
    "summary_held",
    "summary_held_recent",
    "summary_held_old",
    "latency_p50",
)
PRIMARY = 4

SUBJECTS = ("none", "last-n", "rolling", "listed")
"""The full text, the last messages alone, the research agent's summary, and the listing's as it is listed."""

WORDLESS = "it takes a model whose words mean something"

_READING_S, _SAYING_S = 0.002, 0.025  # a token, before that: in the order of a small model's on two processors
_SUMMARIES = ("rolling", "listed")

_TURNS: dict[Preset, tuple[int, ...]] = {"smoke": (12,), "quick": (60,), "paper": (20, 60, 200)}
_USUAL_TURNS = (200,)
_THINK_S: dict[Preset, tuple[int, ...]] = {"smoke": (0,), "quick": (0,)}
_USUAL_THINK_S = (0, 5, 15)
_TIMED_TURNS: dict[Preset, int] = {"smoke": 8, "paper": 60}
_USUAL_TIMED_TURNS = 18
_SPOKEN_TURNS: dict[Preset, tuple[int, ...]] = {"smoke": (6,), "quick": (), "paper": (16, 40)}
_USUAL_SPOKEN_TURNS = (16,)
_SPOKEN: dict[Preset, tuple[str, ...]] = {"smoke": _SUMMARIES[:1]}
_INFERENCE_TURNS = 12  # with a real model, and in real time
_SUMMARY_TOKENS = {UNTIMED: 150, TIMED: 150, INFERENCE: 150, OWN_WORDS: 80}

# Seconds, for estimates.
_START_S, _SPOKEN_TURN_S, _INFERENCE_S = 1.0, 0.5, 2.0

_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0}


def cells(request: GridRequest) -> list[Cell]:
    """Return the long conversations without a model, those with pauses, and what a real model still knows."""
    preset = request.preset
    long = [
        _cell(subject, UNTIMED, turns, EngineSpec(name="simulated"), labels=(_untimed(),), estimate_s=_START_S)
        for turns in _TURNS.get(preset, _USUAL_TURNS)
        for subject in SUBJECTS
    ]
    timed = [
        cell
        for think_s in _THINK_S.get(preset, _USUAL_THINK_S)
        for cell in _paused(preset, think_s, _TIMED_TURNS.get(preset, _USUAL_TIMED_TURNS))
    ]
    arms = twins(
        cell
        for cell in [*long, *timed]
        if preset in GRADED and cell.subject == "rolling" and cell.condition.get("think_s", 5) == 5
    )
    runs = registry.engines.get(request.engine.name).runs_a_model
    real = [*_spoken(preset, request.engine), *_inferred(preset, request.engine)] if runs else []
    return [*long, *timed, *arms, *real]


def _paused(preset: Preset, think_s: int, turns: int) -> list[Cell]:
    settings: dict[str, Scalar] = {
        "prefill_s_per_token": _READING_S / SHORTENED,
        "token_s": _SAYING_S / SHORTENED,
    }
    subjects = _SUMMARIES if preset == "smoke" else _among(think_s)
    label = (
        f"no model ran: the engine takes {_READING_S * 1000:g} ms a token read and {_SAYING_S * 1000:g} ms a token "
        f"said; these and the pauses are {SHORTENED} times shorter"
    )
    return [
        _cell(
            subject,
            TIMED,
            turns,
            EngineSpec(name="simulated", settings=settings),
            {"think_s": think_s, "shortened": SHORTENED},
            labels=(label,),
            estimate_s=_START_S + turns * (think_s / SHORTENED + 0.03),
        )
        for subject in subjects
    ]


def _among(think_s: int) -> tuple[str, ...]:
    """Return who is compared at this pause: who does nothing meanwhile, only where there is none."""
    return _SUMMARIES if think_s else SUBJECTS


def _spoken(preset: Preset, engine: EngineSpec) -> list[Cell]:
    known = names_of(registry.engines.get(engine.name).Settings)
    likeliest = {name: value for name, value in _LIKELIEST.items() if name in known}
    engine = msgspec.structs.replace(engine, settings={**engine.settings, **likeliest})
    return [
        _cell(
            subject,
            OWN_WORDS,
            turns,
            engine,
            impossible=WORDLESS if engine.words_are_meaningless else "",
            labels=("what is told is not computed: only summaries and answers are the model's",),
            estimate_s=3.0 + turns * (_SPOKEN_TURN_S if subject in _SUMMARIES else 0.2),
        )
        for turns in _SPOKEN_TURNS.get(preset, _USUAL_SPOKEN_TURNS)
        for subject in _SPOKEN.get(preset, SUBJECTS)
    ]


def _inferred(preset: Preset, engine: EngineSpec) -> list[Cell]:
    """Return the pauses in real time and with a real model, which take minutes."""
    if preset != "paper":
        return []
    return [
        _cell(
            subject,
            INFERENCE,
            _INFERENCE_TURNS,
            engine,
            {"think_s": think_s},
            estimate_s=3.0 + _INFERENCE_TURNS * (think_s + _INFERENCE_S),
        )
        for think_s in _USUAL_THINK_S
        for subject in _among(think_s)
    ]


def _untimed() -> str:
    return (
        f"no model ran: a summary has {_SUMMARY_TOKENS[UNTIMED]} words, and is made before the next turn, which takes "
        "no time"
    )


def _cell(
    subject: str,
    work: str,
    turns: int,
    engine: EngineSpec,
    more: Mapping[str, Scalar] = {},
    *,
    impossible: str = "",
    labels: tuple[str, ...] = (),
    estimate_s: float,
) -> Cell:
    return Cell(
        part=PART,
        condition={"part": PART, "work": work, "turns": turns, "summary_tokens": _SUMMARY_TOKENS[work], **more},
        subject=subject,
        engine=engine,
        says_itself=True,
        impossible=impossible,
        labels=labels,
        estimate_s=round(estimate_s, 1),
        timeout_s=120 + 10 * estimate_s,
    )


def run(role: Role) -> None:
    """Hold the conversation, and note what its prompts had and what its turns took."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _summaries

    _summaries.run(role)
