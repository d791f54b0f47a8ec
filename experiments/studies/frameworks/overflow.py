"""A conversation outgrows a context of 2,048 tokens: who is told, and of what?

Long turns follow one another until the conversation has more than twice the tokens that the context has. The endpoint
either refuses a prompt that is too long, as OpenAI and llama.cpp's server do, or leaves out its oldest messages without
a word, as Ollama mostly does, and this lab's own engines. Each trial has one outcome: `framework_levels.FULL_CONTEXT`.
"""

from __future__ import annotations

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset
from experiments.studies.frameworks import _compared
from experiments.studies.frameworks._compared import NO_MODEL, subjects, windows
from experiments.studies.frameworks._levels import ENDPOINTS
from experiments.workloads.endpoint.service import CONTEXT_TOKENS
from experiments.workloads.framework_levels import REFUSES

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

_TURNS: dict[Preset, int] = {"smoke": 7}
_USUAL_TURNS = 12


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a subject, endpoint and condition, of one block and without A/A arms: nothing in it is timed."""
    turns = _TURNS.get(request.preset, _USUAL_TURNS)
    return [
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
        if endpoint == REFUSES or request.preset not in ("smoke", "quick")
        for subject in subjects(request)
    ]


def run(role: Role) -> None:
    """Hold the conversation, and note what became of it."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.frameworks import _overflow

    _overflow.run(role)
