"""How much of a conversation is remembered, at three depths: found, in the prompt, answered.

Shares of the questions asked after a conversation (docs/remembering.md). A question's *evidence* is the turn that
decides its answer. A store alone is asked for ten turns; of what a whole system found, which asks for three by default,
only the first places are looked at. Answers of the trained reader are right when they are equal after normalisation, or
refusals where nobody can know; those of a model that answers in its own words, when they say the value and no other of
the attribute (`experiments.grading.answers`). Where no model that can read is installed they are not graded. The
reader was trained on one layout of prompts: of an agent with another the right answers are a lower bound, and what is
known of its prompts says so.

Of natural conversations there are figures of every group of questions by itself: those of a kind, of a register, and
"sharing", every kind whose questions share words with what they ask for, or with the turn before it.
"""

from __future__ import annotations

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing


def _metric(name: str, title: str, noted: str, formula: str, *, falls: bool = False, exact: bool = False) -> Metric:
    def compute(record: Record) -> float | Missing:
        found = number(record, noted)
        return Missing(f"this was not graded: {found.reason}") if isinstance(found, Missing) else found

    return Metric(
        name=name,
        title=title,
        unit="ratio",
        better="lower" if falls else "higher",
        formula=formula,
        compute=compute,
        exact=exact,
    )


GROUPS = {
    "sharing": "that share words with it",
    "paraphrased": "that share no word with it",
    "plain": "in the words of plain conversations",
    "long": "in long sentences",
    "passing": "for what was told in passing",
    "pronoun": "for what only the turn before explains",
    "dated": "for a time told relatively",
    "repeated": "asked before",
    "retold": "for what was told twice",
    "updated": "for what was put right later",
    "dialogue": "for what was said in dialogues",
    "assistant": "for what was told an assistant",
}
"""The groups of a natural conversation's questions, and how a title calls them."""

METRICS = (
    *(
        _metric(
            f"evidence_in_{k}",
            f"Evidence among the first {k}" if k > 1 else "Evidence first",
            f"recall@{k}",
            f"questions whose evidence is among the first {k} found ÷ questions with evidence",
            exact=True,
        )
        for k in (1, 3, 10)
    ),
    _metric(
        "evidence_ndcg",
        "Evidence, nDCG@10",
        "ndcg@10",
        "mean of 1 ÷ log₂(place of the evidence + 1), 0 beyond 10",
        exact=True,
    ),
    _metric(
        "evidence_reciprocal_rank",
        "Evidence, reciprocal rank",
        "reciprocal_rank",
        "mean of 1 ÷ place of the evidence, 0 where it was not found",
        exact=True,
    ),
    _metric(
        "stale_hit_rate",
        "Stale hits",
        "stale_hit",
        "questions about changed or denied facts that find a turn which holds no longer above the evidence, or without "
        "it ÷ such questions",
        falls=True,
    ),
    _metric(
        "evidence_in_prompt",
        "Evidence in the prompt",
        "in_prompt",
        "questions whose evidence stands, word for word, in the prompt that was sent ÷ questions with evidence",
    ),
    *(
        _metric(
            f"evidence_in_10_{group}",
            f"Evidence among the first 10, questions {words}",
            f"recall@10/{group}",
            f"of the questions {words}: those whose evidence is among the first 10 found ÷ all",
            exact=True,
        )
        for group, words in GROUPS.items()
    ),
    *(
        _metric(
            f"evidence_in_prompt_{group}",
            f"Evidence in the prompt, questions {words}",
            f"in_prompt/{group}",
            f"of the questions {words}: those whose evidence stands, word for word, in the prompt that was sent ÷ all",
        )
        for group, words in GROUPS.items()
    ),
    _metric("right_answers", "Right answers", "right", "questions answered rightly or rightly refused ÷ questions"),
    *(
        _metric(
            f"right_answers_{group}",
            f"Right answers, questions {words}",
            f"right/{group}",
            f"of the questions {words}: those answered rightly ÷ all",
        )
        for group, words in GROUPS.items()
    ),
    _metric(
        "right_answers_english",
        "Right answers, questions in English",
        "right/en",
        "of the questions in English: those answered rightly or rightly refused ÷ all",
    ),
    _metric(
        "exact_answers", "Rightly answered", "answered", "questions answered rightly ÷ questions that have an answer"
    ),
    _metric(
        "answers_from_prompt",
        "Answered from the prompt",
        "answered/in_prompt",
        "questions answered rightly ÷ questions that have an answer, and whose evidence stands in the prompt",
    ),
    _metric("right_refusals", "Right refusals", "refused", "questions refused ÷ questions that have no answer"),
    _metric(
        "needless_refusals",
        "Needless refusals",
        "declined",
        "questions refused ÷ questions that have an answer",
        falls=True,
    ),
    _metric(
        "other_values",
        "Another value",
        "other_value",
        "answers that say another value of the attribute, which somebody else has or which holds no longer ÷ questions",
        falls=True,
    ),
    _metric(
        "known_prompts",
        "Prompts the reader knows",
        "known_layout",
        "questions sent in a prompt that is laid out, and repeats what was said, as those the reader was trained on ÷ "
        "questions sent in a prompt",
    ),
)
