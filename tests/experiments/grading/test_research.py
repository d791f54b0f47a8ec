"""Grades of research: the passage that was given, what was said, what it rests on."""

from __future__ import annotations

from experiments.grading.research import graded, summary
from experiments.workloads.research.world import ResearchQuestion
from systems.research.citing import Cited
from systems.research.findings import Findings
from systems.research.synthesis import FoundPassage

QUESTION = ResearchQuestion(
    text="How long is the bridge of Velm?", answer="84", file="town-velm.md", asking="plain", others=("96", "41")
)
VELM = FoundPassage(source="/corpus/town-velm.md", title="Velm", text="The bridge of Velm is 84 metres long.")
ORRIN = FoundPassage(source="/corpus/town-orrin.md", title="Orrin", text="The bridge of Orrin is 96 metres long.")


def found(answer: str, cited: Cited, passages: tuple[FoundPassage, ...] = (VELM, ORRIN)) -> Findings:
    return Findings(question=QUESTION.text, answer=answer, cited=cited, passages=passages)


def test_a_right_answer_from_the_right_source_is_right_in_everything() -> None:
    grade = graded(QUESTION, found("It is 84 metres long [1].", Cited(by_model=(1,))))
    assert (grade.given, grade.right, grade.source_right, grade.source_among, grade.cited) == (True,) * 5


def test_a_neighbours_value_is_wrong_and_so_is_one_said_beside_it() -> None:
    for answer in ("It is 96 metres long.", "It is 84 or 96 metres long."):
        assert not graded(QUESTION, found(answer, Cited(by_words=(2,)))).right


def test_the_right_source_behind_another_is_only_among_them() -> None:
    grade = graded(QUESTION, found("It is 84 metres long.", Cited(by_words=(2, 1))))
    assert (grade.source_right, grade.source_among, grade.cited) == (False, True, False)


def test_a_value_in_another_documents_passage_is_not_given() -> None:
    other = FoundPassage(source="/corpus/town-orrin.md", title="Orrin", text="It has 84 lamps.")
    assert not graded(QUESTION, found("84", Cited(), (other,))).given


def test_shares_are_of_all_and_of_each_way_of_asking() -> None:
    right = graded(QUESTION, found("84 [1]", Cited(by_model=(1,))))
    wrong = graded(QUESTION, found("96", Cited()))
    shares = summary([right, wrong])
    assert (shares["questions"], shares["right"], shares["right/plain"], shares["cited"]) == (2, 0.5, 0.5, 0.5)
