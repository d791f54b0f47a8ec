"""A small study, whole: what a question costs that is eight times as long. CONTRIBUTING.md leads here."""

import asyncio
from typing import ClassVar

import msgspec

from experiments.measuring.study import GRADED, Cell, Study, twins
from experiments.measuring.workload import workloads
from experiments.studies.subjects import WARM_UP, Stopwatch, ask, counted, hosted, planned, warm
from systems.engines.scripted import Scripts

QUESTIONS = 5
TIMES = {"short": 1, "long": 8}


class LongQuestions(Study):
    """Each agent is asked questions of the usual length, and the same ones repeated to eight times their length."""

    name = "long-questions"
    question = "How much longer does an agent take over a question that is eight times as long?"
    parts: ClassVar[dict[str, str]] = {"length": "questions of the usual length, and eight times as long"}
    # In every condition each subject is compared with the first of these that is there: the ratio is long over short.
    references = ("short",)
    measures = ("success_rate", "time_to_first_token_p50", "latency_p50", "group_peak_memory")
    primary = ("time_to_first_token_p50", "latency_p50")

    def grid(self, request):
        # The agent is the condition here and the length is the subject: agents are not compared with each other.
        cells = [
            Cell(
                part="length",
                condition={"agent": system},
                subject=length,
                system=system,
                engine=request.engine,
                estimate_s=6.0,
            )
            for system in request.systems
            for length in TIMES
        ]
        # Where there may be answers, equal trials run twice: how much do they differ?
        return [*cells, *twins(cells)] if request.preset in GRADED else cells

    def run_subject(self, role):
        # A fresh process inside the limits. What it puts into `role.part` is what the record holds.
        asyncio.run(_ask(role))


async def _ask(role):
    times = TIMES[role.spec.subject]
    [untimed, *users] = workloads.get(role.spec.workload)(role.spec.seed, 1 + QUESTIONS, 1)
    longer = [msgspec.structs.replace(turn, text=" ".join([turn.text] * times)) for [turn] in users]
    # What the model is made to say, by session. The agent sees none of it.
    scripts = Scripts(planned({WARM_UP: untimed, **{f"user-{user}": [turn] for user, turn in enumerate(longer)}}))
    async with hosted(role, scripts) as system:
        await warm(system, untimed)
        clock = Stopwatch()
        for user, turn in enumerate(longer):
            # Due when the one before was answered: nobody waits in a queue here.
            role.part.requests.append(await ask(system, turn, f"user-{user}", clock, intended_s=clock()))
        role.part.counters = counted(system.counters(), scripts)
        # The runner reads the group's memory while the agent still holds it.
        await asyncio.to_thread(role.outside_look)
