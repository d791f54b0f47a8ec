"""What to do under each condition, read off the map of decisions: what helps, what it costs, where it does not hold.

Every word of it is chosen by what a run measured. Where nothing was measured, that is the advice.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from experiments.report import decisions, text
from experiments.report.decisions import AskedCondition, Decision, DecisionMap, Mark
from experiments.report.effects import Effect

NOT_MEASURED = "not measured"
TAKE, WEIGH, LEAVE = "take", "weigh", "leave"


class WhereNot(msgspec.Struct, frozen=True, kw_only=True):
    """A condition in which what helps here was not seen to, and what was measured there.

    ``told`` says that it does not hold there: that it does harm, or does not matter. Else nobody can tell.
    """

    condition: AskedCondition
    words: str
    told: bool


class Advised(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision does under a condition: ``gains`` and ``costs`` in words, either of them possibly empty.

    ``word`` is the advice in one: "take" where it gains in what counts first under the condition and costs nothing of
    that, "leave" where it only costs, else "weigh".
    ``evidence`` names the run and the study that it rests on most. Without ``modelled`` no real language model ran.
    ``alone`` says that the gain was looked for under no other condition, ``open`` what else was measured here and does
    not matter or is not known.
    """

    decision: Decision
    effect: Effect
    word: str
    gains: str
    costs: str
    elsewhere: list[WhereNot]
    alone: bool
    open: str
    modelled: bool
    evidence: tuple[str, str]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to do under one condition: what to ``take`` or to weigh, the largest gain first, and what to ``leave``.

    ``first`` is a sentence on what counts most under the condition, where nothing gains in that. ``indifferent`` and
    ``unknown`` are the other decisions that were measured, each with why.
    """

    condition: AskedCondition
    first: str
    take: list[Advised]
    leave: list[Advised]
    indifferent: list[str]
    unknown: list[str]


def advice(answers: DecisionMap) -> list[Advice]:
    """Return what to do under each condition, in their order."""
    return [_under(answers, condition) for condition in answers.conditions]


def _under(answers: DecisionMap, condition: AskedCondition) -> Advice:
    marks = answers.under(condition)
    advised: dict[Effect, list[Advised]] = {effect: [] for effect in Effect}
    for decision in dict.fromkeys(mark.decision.name for mark in _ordered(marks, condition)):
        mine = [mark for mark in marks if mark.decision.name == decision]
        one = _advised(answers, mine)
        advised[one.effect].append(one)
    return Advice(
        condition=condition,
        first=_first(marks, condition),
        take=sorted(advised[Effect.HELPS], key=lambda one: one.word != TAKE),
        leave=advised[Effect.HURTS],
        indifferent=[_listed(one) for one in advised[Effect.SAME]],
        unknown=[_listed(one) for one in advised[Effect.UNKNOWN]],
    )


def _ordered(marks: Sequence[Mark], condition: AskedCondition) -> list[Mark]:
    """Return marks, first those that gain in what counts under the condition; with a real model before without."""

    def rank(mark: Mark) -> tuple[bool, bool, bool]:
        return (mark.modelled, mark.effect is Effect.HELPS, mark.shows in condition.counts)

    return sorted(decisions.sizes(marks), key=rank, reverse=True)


def _first(marks: Sequence[Mark], condition: AskedCondition) -> str:
    """Return what is to be said first, where nothing gains in what counts most; empty where something does."""
    counting = [mark for mark in marks if mark.shows in condition.counts]
    counts = " and ".join(condition.counts)
    if not marks:
        return f"{NOT_MEASURED[:1].upper()}{NOT_MEASURED[1:]}."
    if not counting:
        return f"What counts first here, {counts}, was not measured."
    if any(mark.effect is Effect.HELPS for mark in counting):
        return ""
    if all(mark.effect is Effect.UNKNOWN for mark in counting):
        return f"In what counts first here, {counts}, nothing that was tried made a difference that could be told."
    return f"In what counts first here, {counts}, nothing that was tried was better."


def _advised(answers: DecisionMap, mine: Sequence[Mark]) -> Advised:
    """Return what the marks of one decision say under one condition."""
    helping = [mark for mark in mine if mark.effect is Effect.HELPS]
    hurting = [mark for mark in mine if mark.effect is Effect.HURTS]
    effect = _together(mine)
    gained = {_looked_for(mark) for mark in helping}
    leading = next(mark for mark in mine if mark.effect is effect)
    others = [mark for mark in answers.of(leading.decision).marks if mark.condition != leading.condition]
    rest = [mark for mark in mine if mark.effect in (Effect.SAME, Effect.UNKNOWN)]
    return Advised(
        decision=leading.decision,
        effect=effect,
        word=_word(mine) if effect is Effect.HELPS else LEAVE,
        gains="; ".join(_much(mark, mine) for mark in helping or ([] if hurting else rest)),
        costs="; ".join(_much(mark, mine) for mark in hurting),
        elsewhere=_elsewhere(others, gained) if helping else [],
        alone=not any(_looked_for(mark) in gained for mark in others),
        open="; ".join(_much(mark, mine) for mark in rest) if helping or hurting else "",
        modelled=any(mark.modelled for mark in helping or mine),
        evidence=(leading.measured.run, leading.measured.key.study),
    )


def _together(mine: Sequence[Mark]) -> Effect:
    """Return what marks of one decision say together: what counts first under the condition outweighs the rest."""
    counting = {mark.effect for mark in mine if mark.shows in mark.condition.counts}
    effects = counting if counting & {Effect.HELPS, Effect.HURTS} else {mark.effect for mark in mine}
    return next(each for each in Effect if each in effects)


def _word(mine: Sequence[Mark]) -> str:
    counting = {mark.effect for mark in mine if mark.shows in mark.condition.counts}
    return TAKE if Effect.HELPS in counting and Effect.HURTS not in counting else WEIGH


def _much(mark: Mark, mine: Sequence[Mark]) -> str:
    """Return how much a mark says; beside some of a real model, that this one is of none."""
    beside = not mark.modelled and any(other.modelled for other in mine)
    return f"{mark.much} (without a real model)" if beside else mark.much


def _looked_for(mark: Mark) -> tuple[str, str, str]:
    """Return what a mark looks for: a word may stand for other measures under another condition."""
    return mark.shows, mark.measured.key.metric, mark.measured.key.reference


def _elsewhere(others: Sequence[Mark], gained: set[tuple[str, str, str]]) -> list[WhereNot]:
    """Return where the same gain was looked for and not found, and where the decision did harm and nothing else."""
    found = []
    for condition in {mark.condition.name: mark.condition for mark in others}.values():
        there = [mark for mark in others if mark.condition == condition]
        lacking = [mark for mark in there if _looked_for(mark) in gained and mark.effect is not Effect.HELPS]
        if not lacking and not any(mark.effect is Effect.HELPS for mark in there):
            lacking = [mark for mark in there if mark.effect is Effect.HURTS]
        if lacking:
            words = "; ".join(mark.much for mark in decisions.sizes(lacking))
            told = any(mark.effect is not Effect.UNKNOWN for mark in lacking)
            found.append(WhereNot(condition=condition, words=text.plain(words), told=told))
    return sorted(found, key=lambda one: not one.told)


def _listed(one: Advised) -> str:
    return text.plain(f"{one.decision.title} ({one.gains})")
