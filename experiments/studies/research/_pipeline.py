"""What a trial of the part ``pipeline`` does: ask the research agent, and look at what it was given and said."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import msgspec

from experiments.grading import research
from experiments.measuring import engines
from experiments.measuring.probes.loop_delay import LoopDelay
from experiments.measuring.records import RequestRow, TrialSpec
from experiments.measuring.role import Role
from experiments.studies.research._pipeline_names import ENCODER, OWN_WORDS, PAGE_S, PAGES_S, SITE
from experiments.studies.subjects import REPLY_TOKENS, Stopwatch, counted, data_dir, make_system
from experiments.workloads.research.world import World
from experiments.workloads.site.pages import Visit, host_of, sentence, visits
from systems.engines.interface import Engine
from systems.engines.scripted import Scripts, scripted
from systems.errors import FourgigError
from systems.interface import Request
from systems.research.agent import Research
from systems.research.findings import Findings

_ANSWER_S = 120.0
_REPLY = (
    "The register has an entry for that, and it states the measured value in full, together with the place and the "
    "name under which the measurement was filed by whoever made it in the season before."
)


def run(role: Role) -> None:
    """Ask the questions one after another."""
    asyncio.run(_answer(role) if role.spec.condition["work"] == OWN_WORDS else _ask(role))


async def _ask(role: Role) -> None:
    """Ask about pages of the site, each of which states one value; of those that fail nothing is asked."""
    condition, seed = role.spec.condition, role.spec.seed
    port = int(role.service(SITE).rpartition(":")[2])
    pages, failing = int(condition["pages"] or 0), int(condition["failing"] or 0)
    planned = visits(seed, pages, "equal", int(condition["mean_ms"] or 0), failing)
    asked = _asked(seed, planned, int(condition["questions"] or 0))
    scripts = Scripts()
    for question, _ in asked:
        scripts.add(_session(question), question, [_REPLY])
    sources = [visit.url(host_of(visit.number, pages), port, seed) for visit in planned]
    hosts = [host_of(number, pages) for number in range(pages)]
    settings = {
        **role.spec.settings,
        "sources": ",".join(sources),
        "private_hosts": ",".join(hosts),
        "kept_s": 0.0,  # or the second question would find what the first one read
        "source_deadline_s": PAGE_S,
        "sources_deadline_s": PAGES_S,
    }
    spec = msgspec.structs.replace(role.spec, settings=settings)
    given = 0
    agent = _agent(role, spec, scripted(engines.of_role(role), scripts))
    await agent.start()
    try:
        async with LoopDelay() as delay:
            clock = Stopwatch()
            for question, value in asked:
                findings = Findings(question=question)
                row = await _row(agent, findings, _session(question), clock)
                role.part.requests.append(row)
                given += row.outcome == "ok" and any(value in each.text for each in findings.passages)
            await agent.settled()
        role.part.loop_delay_s = delay.delays_s
        role.part.counters = counted(agent.counters(), scripts)
        calls = sum(metric.value for metric in agent.metrics())
        role.part.values = {"research/given": given / len(asked), "research/calls": calls / len(asked)}
        await asyncio.to_thread(role.outside_look)
    finally:
        await agent.close()


async def _answer(role: Role) -> None:
    """Ask the held-out questions about the shipped documents, each in a conversation of its own."""
    count = int(role.spec.condition["questions"] or 0)
    questions = World().questions("held-out")
    chosen = random.Random("questions that are asked").sample(questions, min(count, len(questions)))
    settings = dict(role.spec.settings) | ({"encoder": ENCODER} if role.spec.subject == ENCODER else {})
    spec = msgspec.structs.replace(role.spec, settings=settings)
    agent = _agent(role, spec, engines.of_role(role))
    grades = []
    await agent.start()
    try:
        clock = Stopwatch()
        for question in chosen:
            findings = Findings(question=question.text)
            row = await _row(agent, findings, _session(question.text), clock, tokens=None)
            role.part.requests.append(row)
            grades.append(research.graded(question, findings))
        role.part.values = {f"research/{name}": share for name, share in research.summary(grades).items()}
        await asyncio.to_thread(role.outside_look)
    finally:
        await agent.close()


def _agent(role: Role, spec: TrialSpec, engine: Engine) -> Research:
    system = make_system(spec, engine, data_dir(role))
    assert isinstance(system, Research)
    return system


async def _row(
    agent: Research, findings: Findings, session: str, clock: Stopwatch, tokens: int | None = REPLY_TOKENS
) -> RequestRow:
    """Ask the question of ``findings`` and return what was seen of it; an error is a row, not a raise."""
    first: list[float] = []

    def on_token(_: str) -> None:
        if not first:
            first.append(clock())

    started = clock()
    request = Request(id=session, session=session, text=findings.question, max_tokens=tokens, deadline_s=_ANSWER_S)
    reply, outcome = None, "ok"
    try:
        reply = await agent.research(request, findings, on_token=on_token)
    except FourgigError as error:
        outcome = type(error).__name__
    return RequestRow(
        intended_s=started,
        started_s=started,
        first_token_s=first[0] if first else None,
        finished_s=clock(),
        outcome=outcome,
        source=reply.source if reply else "",
        prompt_tokens=reply.prompt_tokens if reply else 0,
        generated_tokens=reply.generated_tokens if reply else 0,
    )


def _asked(seed: int, planned: Sequence[Visit], count: int) -> list[tuple[str, str]]:
    """Return so many questions, each with the value that one page alone states."""
    whole = [visit for visit in planned if visit.fault is None]
    found = []
    for visit in random.Random(f"asked {seed}").sample(whole, count):
        told = sentence(seed, visit.number)
        value = told.rstrip(".").rpartition(" ")[2]
        what = told.partition(" records that ")[2].rpartition(" measured ")[0]
        found.append((f"According to entry {visit.number} of register {seed}, what did {what} measure?", value))
    return found


def _session(question: str) -> str:
    return f"about: {question}"
