"""Which systems the study compares, in which of two conditions, and what a trial of each takes.

Both conditions have the same turns. In ``window=12`` every prompt has at most the twelve newest messages besides the
question and what the system says, kept by each framework's own means, and the same system prompt: one window. In
``window=0`` nothing is set: each does as it comes. The two are never compared with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from experiments.measuring.records import EngineSpec, Scalar, ServiceSpec
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, twins
from experiments.workloads.framework_levels import BARE, OURS, WINDOW, WINDOWS
from systems import registry
from systems.description import Topic
from systems.frameworks import folders
from systems.turn.layouts import LAYOUTS

INSTRUCTIONS = LAYOUTS["passage"].system_prompt
"""What the system says in the lab's own prompts, and in everybody's in the condition of one window."""

NO_MODEL = "no model ran: an endpoint outside the limits says the planned replies"

# What the lab's agents are set to for one window: the newest messages of the history, and no notes of older ones.
_ONE_WINDOW: dict[str, Scalar] = {
    "memories": 0,
    "growing_prompts": False,
    "stepped_pruning": False,
    "importance_pruning": False,
}

_AMONG: dict[Preset, tuple[str, ...]] = {"smoke": OURS[1:], "quick": (BARE, "langgraph", OURS[1])}


TRIAL_S = 1.0
"""What a trial takes besides its system, in seconds: the role's process and the endpoint's."""

# Seconds, for estimates: until a system has answered once, most of which is importing, and a turn of it.
_STARTS_S: Mapping[str, float] = {
    "bare": 0.2,
    "asynchronous": 0.4,
    "agent-framework": 1.2,
    "baseline": 1.6,
    "openai-agents": 2.3,
    "crewai": 4.0,
    "google-adk": 6.5,
}
_TURNS_S: Mapping[str, float] = {
    "bare": 0.006,
    "asynchronous": 0.01,
    "baseline": 0.014,
    "crewai": 0.04,
    "google-adk": 0.06,
}
_USUAL_START_S, _USUAL_TURN_S = 1.9, 0.03


# What variants that are subjects of their own differ in.
_TOPICS: tuple[Topic, ...] = ("storage", "model")


class ComparedSystem(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared in a condition: a system, perhaps in a variant of its own."""

    name: str
    system: str
    variant: str = ""
    settings: Mapping[str, Scalar] = {}

    @property
    def start_s(self) -> float:
        """A guess of how long it takes until it has answered once, in seconds."""
        return _STARTS_S.get(self.system, _USUAL_START_S)

    @property
    def turn_s(self) -> float:
        """A guess of how long a turn takes, in seconds."""
        return _TURNS_S.get(self.system, _USUAL_TURN_S)


def windows(preset: Preset) -> tuple[int, ...]:
    """Return the conditions that a preset tries."""
    return tuple(WINDOWS) if preset in GRADED else (WINDOW,)


def subjects(request: GridRequest, *, variants: bool = False) -> list[ComparedSystem]:
    """Return what is compared: who names systems of their own gets those, and the reference.

    With ``variants`` also every form in which a system may keep what was said, and the system on a model in its own
    process, where it takes one.
    """
    named = request.systems
    everything = (BARE, *folders.built_in(), *OURS)
    chosen = _AMONG.get(request.preset, everything) if set(named) == set(OURS) else (BARE, *named)
    names = list(dict.fromkeys(chosen))
    found = [ComparedSystem(name=name, system=name) for name in names]
    if variants and request.preset in GRADED:
        found += [
            ComparedSystem(name=f"{name}-{variant}", system=name, variant=variant, settings=dict(settings))
            for name in names
            for topic in _TOPICS
            for variant, settings in registry.systems.get(name).varied(topic).items()
        ]
    return found


def cell(
    part: str,
    subject: ComparedSystem,
    window: int,
    condition: Mapping[str, Scalar],
    *,
    services: Iterable[str] = (),
    engine: EngineSpec | None = None,
    impossible: str = "",
    labels: tuple[str, ...] = (NO_MODEL,),
    says_itself: bool = False,
    blocks: int | None = None,
    estimate_s: float,
) -> Cell:
    """Return the cell of ``subject`` in one of the two conditions, and in what else ``condition`` says.

    ``estimate_s`` is what the trial takes besides `TRIAL_S`.
    """
    estimate_s = round(TRIAL_S + estimate_s, 1)
    return Cell(
        part=part,
        condition={"part": part, "window": window, **condition},
        subject=subject.name,
        system=subject.system,
        variant=subject.variant,
        settings={**_settings(subject.system, window), **subject.settings},
        engine=engine,
        services=tuple(ServiceSpec(name=name, inside=False) for name in services),
        impossible=impossible or _impossible(subject.system, window),
        labels=labels,
        says_itself=says_itself,
        blocks=blocks,
        estimate_s=estimate_s,
        timeout_s=90 + 10 * estimate_s,
    )


def armed(
    request: GridRequest, cells: Sequence[Cell], which: Callable[[Cell], bool], arms: Sequence[str] = (BARE,)
) -> list[Cell]:
    """Return ``cells``, and of those of the subjects ``arms`` that are ``which`` the second halves of A/A arms.

    Of several arms the one that differs most is the noise floor. What no clock can change needs none.
    """
    if request.preset not in GRADED:
        return list(cells)
    return [*cells, *twins(each for each in cells if each.subject in arms and which(each))]


def _settings(system: str, window: int) -> dict[str, Scalar]:
    names = registry.systems.get(system).setting_names
    # The lab would give a framework its own system prompt in any trial that does not say which.
    wanted: dict[str, Scalar] = {"window": window, "instructions": INSTRUCTIONS if window else ""}
    if window:
        wanted |= {"history_length": window, **_ONE_WINDOW}
    return {name: value for name, value in wanted.items() if name in names}


def _impossible(system: str, window: int) -> str:
    names = registry.systems.get(system).setting_names
    if not window or "window" in names or "history_length" in names:
        return ""
    return f"{system} has no setting for how many messages its prompts have"
