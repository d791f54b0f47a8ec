"""Grades a system that held a whole conversation, at three depths: retrieval, prompt, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec

from experiments.grading import ranking
from experiments.grading.answers import is_exact, is_refusal
from experiments.grading.layouts import is_known
from experiments.grading.overheard import Overheard
from experiments.workloads.remembering.conversation import Conversation, Kind, Question, Register
from experiments.workloads.remembering.values import Language
from systems.engines.interface import Message
from systems.engines.scripted import Scripts
from systems.interface import Observed, Reply, Request
from systems.server.hosting import Host

Find = Callable[[str], Awaitable[Sequence[str]]]
"""Finds memories for a question, best first."""

ANSWER_TOKENS = 32
_OBSERVED = Observed(
    clock="2026-11-02 09:30", system="processor 5 %, memory 40 % of 4.0 GiB, disk 50 %", emotion="neutral"
)


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """How one question went. Places count from 1 among the memories found; None is not found.

    ``evidence`` is the place of the first turn that decides the answer, ``stale`` that of the first turn about the same
    fact that holds no longer; ``evident``, ``outdated`` and ``answerable`` say whether the conversation has such turns,
    and an answer. What was not graded (the prompt, the answer), or has nothing to be graded by (the evidence of what
    was never told), is None. ``known_layout`` says whether the reader was trained on prompts like the one that was
    sent, None where none was sent.
    """

    kind: Kind
    language: Language
    register: Register | None
    evident: bool
    outdated: bool
    answerable: bool
    evidence: int | None
    stale: int | None
    in_prompt: bool | None = None
    stale_in_prompt: bool | None = None
    answer: str | None = None
    right: bool | None = None
    known_layout: bool | None = None


def grade_ranking(conversation: Conversation, question: Question, found: Sequence[str]) -> Grade:
    """Grade what retrieval ``found`` for ``question``, best first: the first depth."""
    ranked = list(dict.fromkeys(found))

    def place(turns: Sequence[int]) -> int | None:
        texts = {conversation.turns[turn].text for turn in turns}
        return next((place for place, text in enumerate(ranked, 1) if text in texts), None)

    return Grade(
        kind=question.kind,
        language=question.language,
        register=question.register,
        evident=bool(question.evidence),
        outdated=bool(question.stale),
        answerable=not is_refusal(question.answer),
        evidence=place(question.evidence),
        stale=place(question.stale),
    )


async def grade_retrieval(conversation: Conversation, find: Find) -> list[Grade]:
    """Grade a store alone, into which the turns were saved before."""
    return [grade_ranking(conversation, question, await find(question.text)) for question in conversation.questions]


async def grade_system(
    system: Host, engine: Overheard, scripts: Scripts, conversation: Conversation, session: str
) -> list[Grade]:
    """Tell ``system`` every turn, ask every question, and grade all three depths.

    It is started, and built on ``engine`` made to say what ``scripts`` plan. While it is told the turns it says what
    the conversation scripts; the questions it answers freely.
    """
    for number, turn in enumerate(conversation.turns):
        # One turn at a time: what is said twice in a conversation need not be answered alike.
        scripts.clear()
        scripts.add(session, turn.text, [turn.reply])
        await system.answer(
            Request(id=f"told-{number}", session=session, text=turn.text, max_tokens=ANSWER_TOKENS, observed=_OBSERVED)
        )
    scripts.clear()
    grades = []
    said = {turn.text for turn in conversation.turns}
    for number, question in enumerate(conversation.questions):
        request = Request(
            id=f"asked-{number}", session=session, text=question.text, max_tokens=ANSWER_TOKENS, observed=_OBSERVED
        )
        engine.prompt = ()  # what was sent for the question before is not what was sent for this one
        reply = await system.answer(request)
        grades.append(_graded(conversation, question, reply, engine.prompt, said))
        said.add(question.text)
    return grades


def _graded(
    conversation: Conversation, question: Question, reply: Reply, prompt: Sequence[Message], said: Collection[str]
) -> Grade:
    sent = "\n".join(message.content for message in prompt)

    def holds(turns: Sequence[int]) -> bool:
        return any(conversation.turns[turn].text in sent for turn in turns)

    unknown = is_refusal(question.answer)
    return msgspec.structs.replace(
        grade_ranking(conversation, question, reply.memories),
        in_prompt=holds(question.evidence) if question.evidence else None,
        stale_in_prompt=holds(question.stale) if question.stale else None,
        answer=reply.text,
        right=is_refusal(reply.text) if unknown else is_exact(reply.text, question.answer),
        # Of a turn of several calls the last prompt counts, as it does for the evidence: its reply is the answer.
        known_layout=is_known(prompt, question.text, said) if prompt else None,
    )


def summary(grades: Sequence[Grade], places: Sequence[int] = (1, 3, 10)) -> dict[str, float]:
    """Return the measures by name, each the mean of those questions it can be asked of; others are left out.

    Questions with evidence count for recall, nDCG, reciprocal rank and prompt; those with stale turns for the
    stale-hit rate (a stale turn is found above the evidence or without it); "answered" counts questions that have an
    answer, "refused" those that have none, "right" all; "known_layout" those that were sent in a prompt and graded.
    """
    evident = [grade for grade in grades if grade.evident]
    outdated = [grade for grade in grades if grade.outdated]
    read = [grade for grade in grades if grade.right is not None]
    most = max(places)
    ranked = range(1, most + 1)
    evidence = [{grade.evidence} for grade in evident]
    measures: dict[str, list[float]] = {
        **{f"recall@{k}": [ranking.recall(ranked, one, k) for one in evidence] for k in places},
        f"ndcg@{most}": [ranking.ndcg(ranked, one, most) for one in evidence],
        "reciprocal_rank": [ranking.reciprocal_rank(ranked, one) for one in evidence],
        "stale_hit": [
            grade.stale is not None and (grade.evidence is None or grade.stale < grade.evidence) for grade in outdated
        ],
        "in_prompt": [grade.in_prompt for grade in evident if grade.in_prompt is not None],
        "answered": [bool(grade.right) for grade in read if grade.answerable],
        "refused": [bool(grade.right) for grade in read if not grade.answerable],
        "right": [bool(grade.right) for grade in read],
        "known_layout": [grade.known_layout for grade in read if grade.known_layout is not None],
    }
    return {name: sum(values) / len(values) for name, values in measures.items() if values}


WORDLESS: tuple[Kind, ...] = ("paraphrased",)
"""The kinds of question that share no word with their evidence, nor with the turn before it."""


def summary_by_kind(grades: Sequence[Grade], places: Sequence[int] = (1, 3, 10)) -> dict[str, float]:
    """Return `summary`, and of each group of a natural conversation's questions recall and prompt, as "recall@10/long".

    Recall is that among most ``places``. The groups are every kind ("long"), every register ("dialogue"), each kind in
    each register ("long-dialogue"), and all kinds but `WORDLESS` together ("sharing").
    """
    told_apart = (f"recall@{max(places)}", "in_prompt")
    groups: dict[str, list[Grade]] = {}
    for grade in grades:
        names = [grade.kind, *([] if grade.kind in WORDLESS else ["sharing"])]
        if grade.register is not None:
            names += [grade.register, f"{grade.kind}-{grade.register}"]
        for name in names:
            groups.setdefault(name, []).append(grade)
    of_groups = {
        f"{measure}/{name}": value
        for name, group in sorted(groups.items())
        for measure, value in summary(group, places).items()
        if measure in told_apart
    }
    return {**summary(grades, places), **of_groups}
