"""A conversation outgrows a context of 2,048 tokens: who is told, and of what?

Long turns follow one another until the conversation has more than twice the tokens that the context has. The endpoint
either refuses a prompt that is too long, as OpenAI and llama.cpp's server do, or leaves out its oldest messages without
a word, as Ollama and this lab's own engines do. Each trial has one outcome (`outcome_of`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import NO_MODEL, subjects, windows
from experiments.workloads.endpoint.asked import Prompt
from experiments.workloads.endpoint.service import CONTEXT_TOKENS, RefusingEndpoint, TrimmingEndpoint

PART = "overflow"
QUESTION = "a conversation outgrows a context of 2,048 tokens: refused, cut in silence, an error, or growth?"
MEASURES = (
    "overflow_refused",
    "overflow_truncated",
    "overflow_error",
    "overflow_growth",
    "overflow_answered",
    "overflow_sent",
)
PRIMARY = 4

Outcome = Literal["refused", "truncated", "error", "growth"]
"""What became of a conversation that does not fit.

``refused``: turns fail because the endpoint refused their prompt, and the user is told. ``error``: turns fail in
another way. ``growth``: all is answered, and the prompts that are sent outgrow the context: it is the endpoint that
cuts them. ``truncated``: all is answered, and what was said first has left the prompts by the system's own doing. In
the last two nobody is told.
"""

ENDPOINTS = {"refuses": RefusingEndpoint.name, "trims": TrimmingEndpoint.name}
"""The service by what the endpoint does with what is too long."""

QUESTION_TOKENS = 400
"""Tokens of a question at least."""

_TURNS: dict[Preset, int] = {"smoke": 7}
_USUAL_TURNS = 12


class TurnSeen(NamedTuple):
    """One turn: whether there was a reply, and the prompts that were sent for it."""

    replied: bool
    prompts: Sequence[Prompt]

    @property
    def answered(self) -> bool:
        """Whether the model answered it: words that a system has for a refused prompt are no answer."""
        return self.replied and not all(prompt.refused for prompt in self.prompts)


def outcome_of(turns: Sequence[TurnSeen]) -> Outcome:
    """Return the one outcome of a conversation that does not fit."""
    failed = [turn for turn in turns if not turn.answered]
    if failed:
        told = all(turn.prompts and turn.prompts[-1].refused for turn in failed)
        return "refused" if told else "error"
    return "growth" if any(prompt.dropped for turn in turns for prompt in turn.prompts) else "truncated"


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a subject, endpoint and condition, of one block: nothing in it is timed."""
    turns = _TURNS.get(request.preset, _USUAL_TURNS)
    found = [
        _compared.cell(
            PART,
            subject,
            window,
            {"endpoint": endpoint, "context": CONTEXT_TOKENS, "turns": turns},
            services=(service,),
            labels=(NO_MODEL, "a token is a word or a mark"),
            says_itself=True,
            blocks=1,
            estimate_s=subject.start_s + turns * subject.turn_s,
        )
        for window in windows(request.preset)
        for endpoint, service in ENDPOINTS.items()
        if endpoint == "refuses" or request.preset not in ("smoke", "quick")
        for subject in subjects(request)
    ]
    return _compared.armed(request, found, lambda cell: cell.condition["endpoint"] == "refuses")


def run(role: Role) -> None:
    """Hold the conversation, and note what became of it."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _overflow

    _overflow.run(role)
