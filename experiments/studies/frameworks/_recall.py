"""The trials of the part `recall`: the endpoint stands between the system and the model, and hears what is sent."""

from __future__ import annotations

import asyncio

from experiments.grading.answers import is_refusal
from experiments.grading.conversation import grade_system, summary
from experiments.grading.overheard import Overheard
from experiments.measuring import engines
from experiments.measuring.role import Role
from experiments.studies.frameworks._running import running
from experiments.studies.subjects import data_dir
from experiments.workloads.endpoint.asked import MODEL
from experiments.workloads.remembering.conversation import Conversation, Told, converse
from systems.engines.scripted import Scripts
from systems.server.alone import engine_served
from systems.server.settings import ServerSettings

PRACTISED = 3
"""Questions at most that are answered rightly, as planned, before the graded ones."""

_DEADLINE_S = 600.0


def practised(conversation: Conversation) -> Conversation:
    """Return ``conversation`` with its first questions that have an answer, and the answers, among its turns.

    A small model says what was said before: where that was nothing but that something is noted, it notes the question.
    """
    known = [question for question in conversation.questions if not is_refusal(question.answer)]
    first = known[: min(PRACTISED, len(conversation.questions) - 1)]
    turns = [*conversation.turns, *(Told(text=question.text, reply=question.answer) for question in first)]
    return Conversation(turns, [question for question in conversation.questions if question not in first])


def run(role: Role) -> None:
    """Tell, ask and grade."""
    asyncio.run(_answer(role))


async def _answer(role: Role) -> None:
    condition = role.spec.condition
    turns, questions = int(condition["turns"] or 0), int(condition["questions"] or 0)
    conversation = practised(converse(role.spec.seed, turns, questions + PRACTISED, languages=("en",)))
    # The model is asked in this process or in one of its own; in either case the endpoint here is what the system asks.
    engine, scripts = Overheard(engines.of_role(role)), Scripts()
    settings = ServerSettings(port=0, deadline_s=_DEADLINE_S, grace_s=1.0)
    async with (
        engine_served(engine, scripts, settings, MODEL) as address,
        running(role, address, data_dir(role)) as system,
    ):
        grades = await grade_system(system.host, engine, scripts, conversation, "user", rule="own words")
        role.part.values |= {**summary(grades), "questions": float(len(grades))}
        await asyncio.to_thread(role.outside_look)
