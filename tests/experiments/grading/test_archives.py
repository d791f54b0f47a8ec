from __future__ import annotations

from pathlib import Path

import pytest

from experiments.grading.archives import ask, grade, means
from experiments.grading.stores import VARIANTS
from experiments.workloads.archives import read
from experiments.workloads.archives.interface import Archive, ArchivedQuestion, ArchivedTurn
from systems.errors import BadInput
from tests.experiments.workloads.archives.files import LOCOMO, LONGMEMEVAL, written


@pytest.mark.parametrize("store", VARIANTS)
def test_a_file_of_ones_own_is_graded_by_kind_of_question(store: str, tmp_path: Path) -> None:
    graded = grade(read(written(tmp_path / "locomo.json", LOCOMO)), store)

    assert {kind: means["questions"] for kind, means in graded.items()} == {
        "all": 3,
        "multi-hop": 1,
        "open-domain": 1,
        "single-hop": 1,
    }
    for found in graded.values():
        assert set(found) == {
            "questions",
            *(f"{name}@{k}" for name in ("recall", "any", "all", "ndcg") for k in (5, 10, 20)),
        }
        assert found["all@5"] <= found["recall@5"] <= found["any@5"]
    assert graded["multi-hop"]["recall@5"] == 1  # both turns about the bicycle


def test_what_the_assistant_said_is_not_searched(tmp_path: Path) -> None:
    graded = grade(read(written(tmp_path / "longmemeval.json", LONGMEMEVAL)), "relevance")

    assert graded["single-session-user"]["ndcg@5"] == 1


def test_a_file_without_evidence_cannot_be_graded(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No question in the file"):
        grade(read(written(tmp_path / "abstaining.json", LONGMEMEVAL[1:])), "like")


def archive(texts: list[str], question: str, *evidence: int, said_at: list[float] | None = None) -> Archive:
    times = said_at or [float(place) for place in range(len(texts))]
    turns = [
        ArchivedTurn(str(place), text, said_at=time)
        for place, (text, time) in enumerate(zip(texts, times, strict=True))
    ]
    return Archive("made here", turns, [ArchivedQuestion(question, "one", tuple(map(str, evidence)))])


def test_a_question_is_told_with_what_was_looked_for_found_and_right(tmp_path: Path) -> None:
    texts = ["My bicycle is red.", "Nice weather today.", "The bicycle was stolen."]
    [one] = ask([archive(texts, "Where did the bicycle go?", 1, 2)], "bm25")

    assert (one.store, one.conversation, one.question, one.kind) == (
        "bm25",
        "made here",
        "Where did the bicycle go?",
        "one",
    )
    assert [found.text for found in one.found if found.evidence] == ["The bicycle was stolen."]
    assert {found.text for found in one.found} == {texts[0], texts[2]}
    missed, found = one.evidence
    assert (missed.id, missed.text, missed.place, missed.has) == ("1", "Nice weather today.", None, [])
    assert (found.id, found.place is not None, len(found.has)) == ("2", True, 1)
    assert set(found.has) <= set(one.terms)
    assert one.measures["recall@10"] == 0.5


def test_the_published_lookup_looks_for_its_keywords() -> None:
    [one] = ask([archive(["My bicycle is red."], "Which colour has my bicycle?", 0)], "like")

    assert "bicycle" in one.terms
    assert one.evidence[0].has == [term for term in one.terms if term in "my bicycle is red."]


@pytest.mark.parametrize("store", VARIANTS)
@pytest.mark.parametrize("evidence", [0, 2, 3])
def test_evidence_is_found_where_the_same_is_said(store: str, evidence: int) -> None:
    texts = ["I play the oboe.", "Tides are high.", "I play the OBOE!", "I  play the oboe"]
    [one] = ask([archive(texts, "What about the oboe?", evidence)], store)

    assert one.evidence[0].place == 1
    assert one.measures["recall@5"] == one.measures["ndcg@5"] == 1


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("Ada beat Ben in chess.", "Ben beat Ada in chess."),  # the same words, another order
        ("You play chess?", "You play chess."),
        ("I play chess, Ada.", "I played chess, Ada."),
        ("Chess in C.", "Chess in C++."),
    ],
)
def test_nearly_the_same_is_not_the_same(said: str, evidence: str) -> None:
    """What a store finds instead of the evidence counts for nothing if it says another thing."""
    [one] = ask([archive([evidence, said], "Who said what about chess?", 0)], "bm25")

    assert [found.text for found in one.found if found.evidence] == [evidence]


def test_the_same_found_twice_takes_two_places_and_counts_once() -> None:
    texts = ["I play the oboe.", "I play the oboe.", "My oboe is old, it was a gift to somebody else before."]
    [one] = ask([archive(texts, "Which oboe?", 0, 1, 2)], "bm25")

    assert len(one.found) == 3
    assert [found.evidence for found in one.found].count(True) == 2
    assert one.measures["recall@5"] == 1
    assert one.measures["ndcg@5"] < 1


def test_only_a_kind_of_question_may_be_asked(tmp_path: Path) -> None:
    found = read(written(tmp_path / "locomo.json", LOCOMO))

    assert {one.kind for one in ask(found, "bm25", ["single-hop"])} == {"single-hop"}
    assert list(means(ask(found, "bm25"))) == ["all", "multi-hop", "open-domain", "single-hop"]


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    ask(read(written(tmp_path / "locomo.json", LOCOMO)), "bm25", (), lambda done, total: told.append((done, total)))

    assert told == [(5, 7), (6, 7), (7, 7)]  # four turns, three questions


def test_a_turn_is_not_found_by_the_words_of_another_sitting() -> None:
    texts = ["Which film did you like best of all at the festival?", "The one with the whale, of course."]
    question = "Which film was liked best at the festival?"
    [together] = ask([archive(texts, question, 1)], "relevance")
    [apart] = ask([archive(texts, question, 1, said_at=[0.0, 3_700.0])], "relevance")

    assert together.evidence[0].place is not None
    assert apart.evidence[0].place is None
