"""Whether a research question was answered: by what the model was given, what it said, and what it rests on.

By rule and without a judge. The right passage *was given* if a passage of the right document states the value. The
answer *is right* if it says the value and no other one of the same kind. The source *is right* if the first passage it
rests on, cited by the model or found by its words, is of the right document.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec

from experiments.grading.answers import says
from experiments.workloads.research.world import Asking, ResearchQuestion
from systems.research.findings import Findings


class ResearchGrade(msgspec.Struct, frozen=True, kw_only=True):
    """How one question went. ``cited`` says that the model cited a passage itself."""

    asking: Asking
    given: bool
    right: bool
    source_right: bool
    source_among: bool
    cited: bool


def graded(question: ResearchQuestion, findings: Findings) -> ResearchGrade:
    """Return the grade of what was found for ``question``."""
    passages = findings.passages
    rests_on = [_file(passages[number - 1].source) for number in findings.cited.numbers]
    return ResearchGrade(
        asking=question.asking,
        given=any(_file(each.source) == question.file and says(each.text, question.answer) for each in passages),
        right=says(findings.answer, question.answer, question.others),
        source_right=rests_on[:1] == [question.file],
        source_among=question.file in rests_on,
        cited=bool(findings.cited.by_model),
    )


def summary(grades: Sequence[ResearchGrade]) -> dict[str, float]:
    """Return shares of questions by name, of all and ("/plain") of each way of asking; "questions" counts all."""
    shares: dict[str, float] = {"questions": len(grades)}
    ways: list[Asking | None] = [None, *dict.fromkeys(grade.asking for grade in grades)]
    for way in ways:
        some = [grade for grade in grades if way in (None, grade.asking)]
        ending = f"/{way}" if way else ""
        for name in ("given", "right", "source_right", "source_among", "cited"):
            shares[f"{name}{ending}"] = sum(bool(getattr(grade, name)) for grade in some) / len(some) if some else 0.0
    return shares


def _file(source: str) -> str:
    return PurePosixPath(source).name
