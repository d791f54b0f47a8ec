"""Grades a system that held a whole conversation, at three depths: retrieval, prompt, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal

import msgspec

from experiments.grading import ranking
from experiments.grading.answers import declines, is_exact, is_refusal, named, says
from experiments.grading.layouts import is_known
from experiments.grading.overheard import Overheard
from experiments.workloads.remembering.conversation import Conversation, Kind, Question, Register
from experiments.workloads.remembering.language import WORDS
from experiments.workloads.remembering.values import Language
from systems.engines.interface import Message
from systems.engines.scripted import Scripts
from systems.interface import Observed, Reply, Request
from systems.server.hosting import Host

Find = Callable[[str], Awaitable[Sequence[str]]]
"""Finds memories for a question, best first."""

Rule = Literal["exact", "own words"]
"""When an answer is right: if it equals the right one, as the trained reader says it; or if it says that and no other
value of the attribute, in whatever words, and where there is no answer, if it declines and says no value."""

_FORGET = "/forget"  # the history, not what is saved (`systems.turn.commands`)

ANSWER_TOKENS = 32
_OBSERVED = Observed(
    clock="2026-11-02 09:30", system="processor 5 %, memory 40 % of 4.0 GiB, disk 50 %", emotion="neutral"
)


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """How one question went. Places count from 1 among the memories found; None is not found.

    ``evidence`` is the place of the first turn that decides the answer, ``stale`` that of the first turn about the same
    fact that holds no longer; ``evident``, ``outdated`` and ``answerable`` say whether the conversation has such turns,
    and an answer. What was not graded (the prompt, the answer), or has nothing to be graded by (the evidence of what
    was never told), is None. ``declined`` says that the answer refuses and names no value, ``other_value`` that it
    names another value of the attribute. ``known_layout`` says whether the reader was trained on prompts like the one
    that was sent, None where none was sent, or where another model read it.
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
    declined: bool | None = None
    other_value: bool | None = None
    known_layout: bool | None = None

    def unread(self) -> Grade:
        """Return the grade without the answer, which no model gave."""
        return msgspec.structs.replace(self, answer=None, right=None, declined=None, other_value=None)


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
    system: Host,
    engine: Overheard,
    scripts: Scripts,
    conversation: Conversation,
    session: str,
    rule: Rule = "exact",
    afresh: bool = False,
) -> list[Grade]:
    """Tell ``system`` every turn, ask every question, and grade all three depths, the answers by ``rule``.

    It is started, and built on ``engine`` made to say what ``scripts`` plan. While it is told the turns it says what
    the conversation scripts; the questions it answers freely, each ``afresh`` if it is told to forget the history
    before: a model that speaks freely repeats the scripted replies it finds there.
    """
    for number, turn in enumerate(conversation.turns):
        await _tell(system, scripts, session, f"told-{number}", turn.text, turn.reply)
    grades = []
    said = {turn.text for turn in conversation.turns}
    for number, question in enumerate(conversation.questions):
        if afresh:
            await _tell(system, scripts, session, f"forgotten-{number}", _FORGET, "Forgotten.")
        request = Request(
            id=f"asked-{number}", session=session, text=question.text, max_tokens=ANSWER_TOKENS, observed=_OBSERVED
        )
        engine.prompts.clear()  # what was sent for the question before is not what was sent for this one
        reply = await system.answer(request)
        grades.append(_graded(conversation, question, reply, engine.prompt_for(question.text), said, rule))
        said.add(question.text)
    return grades


async def _tell(system: Host, scripts: Scripts, session: str, name: str, text: str, reply: str) -> None:
    """Have ``system`` told ``text``; whatever it asks a model for that is ``reply``."""
    # One turn at a time: what is said twice in a conversation need not be answered alike.
    scripts.clear()
    scripts.add(session, text, [reply])
    await system.answer(Request(id=name, session=session, text=text, max_tokens=ANSWER_TOKENS, observed=_OBSERVED))
    scripts.clear()


def _graded(
    conversation: Conversation,
    question: Question,
    reply: Reply,
    prompt: Sequence[Message],
    said: Collection[str],
    rule: Rule,
) -> Grade:
    sent = "\n".join(message.content for message in prompt)

    def holds(turns: Sequence[int]) -> bool:
        return any(conversation.turns[turn].text in sent for turn in turns)

    unknown, answer = is_refusal(question.answer), reply.text
    other_value = bool(named(answer, question.others))
    declined = declines(answer) and not other_value and (unknown or not named(answer, [question.answer]))
    if unknown:
        right = is_refusal(answer) if rule == "exact" else declined
    elif rule == "exact":
        right = is_exact(answer, question.answer)
    else:
        right = says(answer, question.answer, question.others)
    return msgspec.structs.replace(
        grade_ranking(conversation, question, reply.memories),
        in_prompt=holds(question.evidence) if question.evidence else None,
        stale_in_prompt=holds(question.stale) if question.stale else None,
        answer=answer,
        right=right,
        declined=declined,
        other_value=other_value,
        # Of several calls the last one that asks it counts, as it does for the evidence: its reply is the answer.
        known_layout=is_known(prompt, question.text, said) if prompt and rule == "exact" else None,
    )


def summary(grades: Sequence[Grade], places: Sequence[int] = (1, 3, 10)) -> dict[str, float]:
    """Return the measures by name, each the mean of those questions it can be asked of; others are left out.

    Questions with evidence count for recall, nDCG, reciprocal rank and prompt; those with stale turns for the
    stale-hit rate (a stale turn is found above the evidence or without it); "answered" counts questions that have an
    answer, "answered/in_prompt" those of them whose evidence was in the prompt, "refused" those that have none, "right"
    all, and "right/en" those of a language; "declined" the refusals of questions that have an answer, "other_value" the
    answers that name another value, of all; "known_layout" those that were sent in a prompt and graded.
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
        "answered/in_prompt": [bool(grade.right) for grade in read if grade.answerable and grade.in_prompt],
        "declined": [grade.declined for grade in read if grade.answerable and grade.declined is not None],
        "refused": [bool(grade.right) for grade in read if not grade.answerable],
        "other_value": [grade.other_value for grade in read if grade.other_value is not None],
        "right": [bool(grade.right) for grade in read],
        **{
            f"right/{language}": [bool(grade.right) for grade in read if grade.language == language]
            for language in WORDS
        },
        "known_layout": [grade.known_layout for grade in read if grade.known_layout is not None],
    }
    return {name: sum(values) / len(values) for name, values in measures.items() if values}


WORDLESS: tuple[Kind, ...] = ("paraphrased",)
"""The kinds of question that share no word with their evidence, nor with the turn before it."""


def summary_by_kind(grades: Sequence[Grade], places: Sequence[int] = (1, 3, 10)) -> dict[str, float]:
    """Return `summary`, and of each group of a natural conversation's questions recall, prompt and right answers.

    They are called "recall@10/long", "in_prompt/long" and "right/long". Recall is that among most ``places``. The
    groups are every kind ("long"), every register ("dialogue"), each kind in each register ("long-dialogue"), and all
    kinds but `WORDLESS` together ("sharing").
    """
    told_apart = (f"recall@{max(places)}", "in_prompt", "right")
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
