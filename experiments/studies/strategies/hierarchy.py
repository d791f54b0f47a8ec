"""Hierarchical memory: what was said lately, what is looked up of all that was said, both, or one long list.

All ways are the same agent with other settings, in conversations with tasks that need what was told three or at least
twenty turns before. A trial is one of the part ``timeline`` of the study `density`: without a model a task succeeds if
the prompt held its value, with one if the model's own words say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from experiments.measuring.records import EngineSpec, Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins
from systems import registry
from systems.settings import HISTORY_LIMIT, names_of

PART = "hierarchy"
QUESTION = "the last messages, what is looked up, both, or all in one list: how many tasks succeed?"
MEASURES = (
    "tasks_in_prompt",
    "tasks_answered",
    "tasks_in_prompt_soon",
    "tasks_in_prompt_late",
    "tasks_answered_soon",
    "tasks_answered_late",
    "prompt_tokens_read",
    "latency_p50",
    "anonymous_mean",
)
PRIMARY = 2

SHORT_TERM, LONG_TERM, HIERARCHICAL, FLAT = "short-term", "long-term", "hierarchical", "one-list"
REFERENCES = (SHORT_TERM,)
SYSTEM = "asynchronous"

# Of mechanisms that cut a history by other rules none is on: the last messages are the last messages in every way.
_PLAIN: dict[str, Scalar] = {"growing_prompts": False, "importance_pruning": False, "stepped_pruning": False}
_LAST_MESSAGES, _LOOKED_UP = 10, 3  # those that the agent has as it comes
SUBJECTS: dict[str, dict[str, Scalar]] = {
    SHORT_TERM: {**_PLAIN, "history_length": _LAST_MESSAGES, "memories": 0},
    LONG_TERM: {**_PLAIN, "history_length": 0, "memories": _LOOKED_UP},
    HIERARCHICAL: {**_PLAIN, "history_length": _LAST_MESSAGES, "memories": _LOOKED_UP},
    FLAT: {**_PLAIN, "history_length": HISTORY_LIMIT, "memories": 0},
}

NO_MODEL, OWN_WORDS = "no model", "own words"
WORDLESS = "it takes a model whose words mean something"
_LIKELIEST: dict[str, Scalar] = {"sampling.temperature": 0.0, "sampling.repeat_penalty": 1.0}

_TASKS: dict[Preset, tuple[str, ...]] = {"paper": ("support", "research", "code")}
_USUAL_TASKS = ("support",)
_TURNS: dict[Preset, tuple[int, ...]] = {"smoke": (12,), "quick": (48,), "standard": (24, 96), "paper": (24, 96, 240)}
# A prompt that is full takes a small model seconds to read: what a model says of it is for those who have more time.
_SPOKEN: dict[Preset, tuple[str, ...]] = {"wide": (SHORT_TERM, HIERARCHICAL), "paper": tuple(SUBJECTS)}
_SPOKEN_TURNS = 24

# Seconds, for estimates: a trial without its turns, with a model to load, a turn, and a task that a model answers.
_TRIAL_S, _MODEL_S, _TURN_S, _ANSWER_S = 0.8, 1.3, 0.003, 2.5
_ASKING = 2 / 6  # of the turns


def cells(request: GridRequest) -> list[Cell]:
    """Return every way in conversations of several lengths, and some of them with a model that speaks for itself."""
    preset = narrowed(request).preset
    plain = [
        cell
        for tasks in _TASKS.get(preset, _USUAL_TASKS)
        for turns in _TURNS[preset]
        for cell in _compared(EngineSpec(name="simulated"), NO_MODEL, tasks, turns, _few(preset))
    ]
    arms = twins(cell for cell in plain if preset in GRADED and cell.subject in (SHORT_TERM, HIERARCHICAL))
    return [*plain, *arms, *_spoken(request)]


def _few(preset: Preset) -> Sequence[str]:
    return (SHORT_TERM, HIERARCHICAL) if preset == "smoke" else tuple(SUBJECTS)


def _spoken(request: GridRequest) -> Iterator[Cell]:
    preset, kind = request.preset, registry.engines.get(request.engine.name)
    if preset not in _SPOKEN or not kind.runs_a_model:
        return
    known = names_of(kind.Settings)
    likeliest = {name: value for name, value in _LIKELIEST.items() if name in known}
    engine = msgspec.structs.replace(request.engine, settings={**request.engine.settings, **likeliest})
    yield from _compared(engine, OWN_WORDS, _USUAL_TASKS[0], _SPOKEN_TURNS, _SPOKEN[preset])


def _compared(engine: EngineSpec, work: str, tasks: str, turns: int, subjects: Sequence[str]) -> Iterator[Cell]:
    spoken = work == OWN_WORDS
    each_s = _TURN_S + (_ASKING * _ANSWER_S if spoken else 0.0)
    for subject in subjects:
        yield Cell(
            part=PART,
            condition={"part": PART, "work": work, "tasks": tasks, "turns": turns, "sessions": 1},
            subject=subject,
            system=SYSTEM,
            variant=subject,
            settings=SUBJECTS[subject],
            engine=engine,
            says_itself=True,
            impossible=WORDLESS if spoken and engine.words_are_meaningless else "",
            estimate_s=round(_TRIAL_S + (_MODEL_S if spoken else 0.0) + turns * each_s, 1),
            timeout_s=180 + 10 * turns * each_s,
        )


def run(role: Role) -> None:
    """Hold the conversation and grade its tasks, as the part ``timeline`` does."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.density import timeline

    timeline.run(role)
