"""Pipeline: the whole agent against the same agent with every pattern naive, and against itself without each of them.

*Timed*: questions about pages of the lab's own web, of which some fail in one condition. The model is the run's and is
made to say planned replies, so that every subject computes the same tokens; sources are read anew for each question.
*Answers*: the questions of the shipped documents, answered by the real model in its own words and graded.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from experiments.measuring.records import EngineSpec, Scalar, ServiceSpec
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.studies.research._pipeline_names import ENCODER, MODEL, OWN_WORDS, PAGE_S, SITE
from systems import registry
from systems.research.settings import NAIVE
from systems.settings import names_of

PART = "pipeline"
QUESTION = "every pattern naive, all of ours, and ours without each: time to an answer, its first token, what fails?"
MEASURES = (
    "latency_p50",
    "time_to_first_token_p50",
    "research_found",
    "research_right",
    "research_source_right",
    "loop_delay_max",
    "success_rate",
    "research_source_among",
    "research_cited",
    "research_calls",
)
PRIMARY = 5

SYSTEM = "research"
TWIN, ALL = "sequential", "all"
"""The subject with every pattern naive, and the one with none."""

LACKING = f"it takes the model {MODEL} (`fourgig model get {MODEL}`) and an engine that runs models"

# Patterns whose naive way is tried alone, all others being ours.
_LADDER: dict[Preset, tuple[str, ...]] = {
    "smoke": (),
    "quick": (),
    "standard": ("fetching", "steps"),
}
_FAILED: dict[Preset, tuple[str, ...]] = {"smoke": (ALL,), "quick": ()}
"""Who is tried with pages that fail in the shorter presets; the naive agent as well in the others."""

_MEAN_MS: dict[Preset, int] = {"smoke": 20}
_PAGES, _FAILING, _USUAL_MEAN_MS = 8, 2, 120
_QUESTIONS: dict[Preset, int] = {"smoke": 1, "quick": 1, "standard": 2, "wide": 4, "paper": 6}
_ANSWERS: dict[Preset, int] = {"smoke": 1, "quick": 2}
_ALL_ANSWERS = 48

_SHORT: dict[str, Scalar] = {"passage_tokens": 320}
# A value is to be said again as it was told.
_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0, "sampling.repeat_penalty": 1.0}

# Seconds, for estimates: a trial without its questions, the model's part of one, an answer in its own words.
_START_S, _QUESTION_S, _ANSWER_S = 2.6, 1.6, 2.0


def shapes(preset: Preset) -> tuple[str, ...]:  # noqa: ARG001 - as every preset has answers in own words
    """Return the real model, which answers in its own words."""
    return (MODEL,)


def cells(request: GridRequest) -> list[Cell]:
    """Return the timed cells, and those of answers where a model runs whose words mean something."""
    timed = [*_timed(request)]
    arms = [cell for cell in timed if cell.subject in (TWIN, ALL) and not cell.condition["failing"]]
    return [*timed, *(twins(arms) if request.preset in GRADED else ()), *_answers(request)]


def _timed(request: GridRequest) -> Iterator[Cell]:
    preset = request.preset
    rungs = _LADDER.get(preset, tuple(NAIVE))
    for subject in (TWIN, ALL, *(f"{ALL}-{name}" for name in rungs)):
        yield _timed_cell(request, subject, 0)
    for subject in _FAILED.get(preset, (TWIN, ALL)):
        yield _timed_cell(request, subject, _FAILING)


def _timed_cell(request: GridRequest, subject: str, failing: int) -> Cell:
    mean_ms, questions = _MEAN_MS.get(request.preset, _USUAL_MEAN_MS), _QUESTIONS[request.preset]
    one_after_another = subject in (TWIN, f"{ALL}-fetching")
    runs = registry.engines.get(request.engine.name).runs_a_model
    pages_s = mean_ms / 1000 * (_PAGES if one_after_another else 1) + (PAGE_S if failing else 0)
    return Cell(
        part=PART,
        condition={
            "part": PART,
            "work": "timed",
            "pages": _PAGES,
            "mean_ms": mean_ms,
            "failing": failing,
            "questions": questions,
        },
        subject=subject,
        system=SYSTEM,
        variant=subject.removeprefix(f"{ALL}-"),
        settings={**_patterns(subject), **_SHORT},
        engine=request.engine,
        says_itself=True,
        services=(ServiceSpec(name=SITE, inside=False),),
        labels=("pages from a server on loopback, each after a stated delay",),
        estimate_s=_START_S + questions * (pages_s + (_QUESTION_S if runs else 0.1)),
        timeout_s=240.0,
    )


def _patterns(subject: str) -> dict[str, Scalar]:
    """Return the patterns that a subject has otherwise than the agent as it comes."""
    if subject == TWIN:
        return dict(NAIVE)
    name = subject.removeprefix(ALL).removeprefix("-")
    return {name: NAIVE[name]} if name else {}


def _answers(request: GridRequest) -> Iterator[Cell]:
    if not registry.engines.get(request.engine.name).runs_a_model:
        return
    questions = _ANSWERS.get(request.preset, _ALL_ANSWERS)
    for encoder in ("words", ENCODER) if request.preset in ("wide", "paper") else ("words",):
        real = request.shapes.get(MODEL)
        engine = None if real is None else _likeliest(real)
        yield Cell(
            part=PART,
            condition={"part": PART, "work": OWN_WORDS, "model": MODEL, "questions": questions},
            subject=encoder,
            system=SYSTEM,
            variant=encoder,
            engine=engine,
            blocks=1,  # the likeliest words are the same in every block
            says_itself=True,
            requires=(ENCODER,) if encoder == ENCODER else (),
            impossible=LACKING if engine is None else "",
            estimate_s=_START_S + questions * _ANSWER_S,
            timeout_s=120.0 + 30 * questions,
        )


def _likeliest(engine: EngineSpec) -> EngineSpec:
    """Return ``engine`` saying the likeliest word each time."""
    known = names_of(registry.engines.get(engine.name).Settings)
    settings = {name: value for name, value in _LIKELIEST.items() if name in known}
    return msgspec.structs.replace(engine, settings={**engine.settings, **settings})


def run(role: Role) -> None:
    """Ask the questions of the condition, and note when each was answered and how."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.research import _pipeline

    _pipeline.run(role)
