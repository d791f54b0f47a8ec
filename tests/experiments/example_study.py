"""A small study, whole: what a question costs that is eight times as long. CONTRIBUTING.md shows it."""

import asyncio

import msgspec

from experiments.measuring.study import GRADED, Cell, Study, twins
from experiments.studies.subjects import Stopwatch, ask, counted, hosted, warm
from experiments.workloads.conversations import conversations

QUESTIONS = 5
TIMES = {"short": 1, "long": 8}


class LongQuestions(Study):
    """Each agent is asked questions of the usual length, and the same ones repeated to eight times their length."""

    name = "long-questions"
    question = "How much longer does an agent take over a question that is eight times as long?"
    # In every condition a subject is compared with the first of these that is there: the ratio is long over short.
    references = ("short",)
    measures = ("success_rate", "time_to_first_token_p50", "latency_p50", "group_peak_memory")
    primary = ("time_to_first_token_p50", "latency_p50")

    def grid(self, request):
        # The agent is the condition here and the length is the subject: agents are not compared with each other.
        cells = [
            Cell(
                condition={"agent": system},
                subject=length,
                system=system,
                engine=request.engine,
                estimate_s=6.0,
            )
            for system in request.systems
            for length in TIMES
        ]
        # Where there may be answers, equal trials are run twice: how much do they differ?
        return [*cells, *twins(cells)] if request.preset in GRADED else cells

    def run_subject(self, role):
        # A fresh process inside the limits. What it puts into `role.part` is what the record holds.
        asyncio.run(_ask(role))


async def _ask(role):
    [untimed, *planned] = conversations(role.spec.seed, 1 + QUESTIONS, turns=1)
    async with hosted(role) as system:
        await warm(system, untimed)
        clock = Stopwatch()
        for user, [turn] in enumerate(planned):
            text = " ".join([turn.text] * TIMES[role.spec.subject])
            longer = msgspec.structs.replace(turn, text=text)
            # Due when the one before was answered, so it is never late.
            role.part.requests.append(await ask(system, longer, f"user-{user}", clock, intended_s=clock()))
        role.part.counters = counted(system.counters())
        # The runner reads the group's memory while the agent still holds it.
        await asyncio.to_thread(role.outside_look)
