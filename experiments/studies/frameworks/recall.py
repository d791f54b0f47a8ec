"""What is remembered: a graded conversation, then questions that a real model answers from the prompt it is sent.

The conversation, the questions and the graders are those of the study `memory`, in English. While it is told, replies
are scripted, and so are the right answers to three first questions: it shows the model what an answer is. The others
are answered by the model in its own words. They stay in the conversation, as they would.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import subjects, windows
from systems import registry
from systems.settings import names_of

MODEL = "smollm2"
"""The real model, as `systems.models.find.resolve` knows it."""

LACKING = f"it takes the model {MODEL} (`fourgig model get {MODEL}`) and an engine that runs models"

PART = "recall"
QUESTION = "what is remembered: is what decides an answer in the prompt, and does a small model then say it?"
MEASURES = ("evidence_in_prompt", "right_answers", "exact_answers", "answers_from_prompt", "other_values")
PRIMARY = 2

ALIKE = 2
"""Blocks of the condition of one window, in which all send the same messages: what it tells, few blocks tell."""

# Turns that are told, and how many questions follow at most.
_LENGTHS: dict[Preset, tuple[tuple[int, int], ...]] = {
    "smoke": ((12, 1),),
    "quick": ((12, 2),),
    "wide": ((40, 11), (200, 11)),
    "paper": ((40, 11), (200, 22)),
}
_USUAL_LENGTHS = ((40, 11),)

_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0, "sampling.repeat_penalty": 1.0}

# Seconds, for estimates: the model's start, and a question.
_MODEL_S, _QUESTION_S = 0.8, 0.4


def shapes(preset: Preset) -> tuple[str, ...]:  # noqa: ARG001 - every preset asks it
    """Return the real model, whose words mean something."""
    return (MODEL,)


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a subject, length and condition; none where no model runs."""
    if not registry.engines.get(request.engine.name).runs_a_model:
        return []
    return _compared.armed(
        request,
        [*_cells(request)],
        lambda cell: not cell.condition["window"] and cell.condition["turns"] == 40,
    )


def _cells(request: GridRequest) -> Iterator[Cell]:
    real = request.shapes.get(MODEL)
    for window in windows(request.preset):
        for turns, questions in _LENGTHS.get(request.preset, _USUAL_LENGTHS):
            for subject in subjects(request):
                yield _compared.cell(
                    PART,
                    subject,
                    window,
                    {"work": "own words", "turns": turns, "questions": questions, "model": MODEL},
                    engine=None if real is None else _likeliest(real),
                    impossible="" if real else LACKING,
                    labels=("what is told is not computed: only answers are the model's",),
                    says_itself=True,
                    blocks=ALIKE if window else None,
                    estimate_s=subject.start_s + _MODEL_S + turns * subject.turn_s + questions * _QUESTION_S,
                )


def _likeliest(engine: EngineSpec) -> EngineSpec:
    """Return ``engine`` saying the likeliest word each time, where a client asks for nothing else."""
    known = names_of(registry.engines.get(engine.name).Settings)
    settings = {name: value for name, value in _LIKELIEST.items() if name in known}
    return msgspec.structs.replace(engine, settings={**engine.settings, **settings})


def run(role: Role) -> None:
    """Tell the conversation, ask the questions, and note how they were answered."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _recall

    _recall.run(role)
