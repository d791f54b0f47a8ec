"""Model choice: a small model, a large one, and rules that choose between them, by graded questions.

The small model is the lab's reader (1.5 million weights), the large one the real model (135 million). Both are asked
what was told in a conversation: in plain sentences, which the reader was made for, or in natural ones. Each has the
layout of prompts that suits it, and the same notes. A rule sees the question and its notes, and no answer; it was
written before any of these questions was asked. *Cascade* asks the small model first, and the large one where the small
one declines. *Best choice* looks at both answers: no rule can do better with these two models.
"""

from __future__ import annotations

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.strategies._model_choice_names import BEST, BY_RULE, CASCADE, LARGE_ALONE, SMALL_ALONE
from systems import registry
from systems.settings import names_of

PART = "model-choice"
QUESTION = "a small model, a large one, or a rule that chooses by the question: how many right answers, in what time?"
MEASURES = (
    "choice_right",
    "choice_time",
    "choice_small",
    "memory_at_ready",
    "choice_right_plain",
    "choice_right_natural",
    "choice_time_p95",
)
PRIMARY = 2

WAYS = (LARGE_ALONE, SMALL_ALONE, BY_RULE, CASCADE, BEST)
REFERENCES = (LARGE_ALONE,)

LARGE, SMALL = "smollm2", "reader"
"""The models, as `systems.models.find.resolve` knows them."""

LACKING = f"it takes the models {LARGE} (`fourgig model get {LARGE}`) and {SMALL} (`nox -s reader`)"
LOOKED = "best choice: both models answered, and the right answer was looked at: a bound, and no rule"


# Questions, and the share of them that is about what was told in plain sentences.
_QUESTIONS: dict[Preset, int] = {"smoke": 2, "quick": 4, "standard": 8, "wide": 8, "paper": 32}
_WAYS: dict[Preset, tuple[str, ...]] = {
    "smoke": (LARGE_ALONE, SMALL_ALONE, BY_RULE),
    "quick": (LARGE_ALONE, SMALL_ALONE, BY_RULE),
}
_PLAIN: dict[Preset, tuple[float, ...]] = {"wide": (0.5, 0.25, 0.75), "paper": (0.5, 0.25, 0.75)}
_USUAL_PLAIN = (0.5,)
_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0, "sampling.repeat_penalty": 1.0}

# Seconds, for estimates: a trial without its questions; a question, by the slowest model that is asked.
_START_S, _SMALL_S, _LARGE_S = 1.3, 0.01, 0.4


def shapes(preset: Preset) -> tuple[str, ...]:  # noqa: ARG001 - every preset asks both
    """Return both models."""
    return LARGE, SMALL


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way and share of plain questions; none where no model runs."""
    if not registry.engines.get(request.engine.name).runs_a_model:
        return []
    shares, ways = _PLAIN.get(request.preset, _USUAL_PLAIN), _WAYS.get(request.preset, WAYS)
    found = [_cell(request, way, share) for share in shares for way in ways]
    if request.preset in GRADED:
        found += twins([_cell(request, BY_RULE, _USUAL_PLAIN[0])])
    return found


def _cell(request: GridRequest, way: str, share: float) -> Cell:
    questions = _QUESTIONS[request.preset]
    engines = [request.shapes.get(name) for name in (LARGE, SMALL)]
    engine = engines[way == SMALL_ALONE]
    return Cell(
        part=PART,
        condition={"part": PART, "large": LARGE, "small": SMALL, "questions": questions, "plain": share},
        subject=way,
        engine=None if engine is None else _likeliest(engine),
        says_itself=True,
        impossible="" if all(engines) else LACKING,
        labels=(LOOKED,) if way == BEST else (),
        estimate_s=_START_S + questions * (_SMALL_S if way == SMALL_ALONE else _LARGE_S),
        timeout_s=120.0 + 20 * questions,
    )


def _likeliest(engine: EngineSpec) -> EngineSpec:
    """Return ``engine`` saying the likeliest word each time."""
    known = names_of(registry.engines.get(engine.name).Settings)
    settings = {name: value for name, value in _LIKELIEST.items() if name in known}
    return msgspec.structs.replace(engine, settings={**engine.settings, **settings})


def run(role: Role) -> None:
    """Ask the questions in the subject's way, and note which answers were right and how long they took."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _model_choice

    _model_choice.run(role)
