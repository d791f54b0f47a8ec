"""Pairs are judged by the whole cache and without its gate, and a threshold is taken that keeps false hits away."""

from experiments.grading import paired
from experiments.workloads.paired.pairs import QuestionPair, pairs
from systems.tiered.semantic.thresholds import Threshold
from tests.systems.tiered.semantic.letters import LetterPairs


def judged(*asked):
    return paired.judged(LetterPairs(), asked)


def test_what_forbids_a_hit_is_named():
    found = judged(
        QuestionPair("paraphrase", "en", "a", "How do I repair a bicycle?", "How can I fix a bike?"),
        QuestionPair("polarity", "en", "b", "Is raw fish healthy?", "Is raw fish unhealthy?"),
        QuestionPair("history", "en", "c", "Why is that?", "Why is that?"),
        QuestionPair("history", "en", "d", "Who wrote Hamlet?", "Who wrote Hamlet?", another=True),
    )
    assert [one.forbidden for one in found] == ["", "negation", "standing", "scope"]
    assert [one.pair.same for one in found] == [True, False, False, False]


def test_without_the_gate_standing_and_scope_still_hold():
    polarity, history = judged(
        QuestionPair("polarity", "en", "b", "Is raw fish healthy?", "Is raw fish unhealthy?"),
        QuestionPair("history", "en", "d", "Who wrote Hamlet?", "Who wrote Hamlet?", another=True),
    )
    lax = Threshold(similarity=0.0, least_shared=0.0)
    assert (polarity.hits(lax, gated=False), polarity.hits(lax, gated=True)) == (True, False)
    assert (history.hits(lax, gated=False), history.hits(lax, gated=True)) == (False, False)


def test_a_curve_falls_with_the_similarity_and_the_chosen_point_keeps_false_hits_away():
    found = judged(*pairs(1, "settling", "en"))
    points = paired.curve(found, gated=True)
    assert [point.hits for point in points] == sorted((point.hits for point in points), reverse=True)
    assert points[0].hits > 0
    point = paired.chosen(found, gated=True)
    assert point is not None
    assert point.worst_false <= paired.MOST_FALSE
    counted = paired.counts(found, point.threshold, gated=True)
    assert counted["paraphrase_hits"] / counted["paraphrase"] == point.hits


def test_where_no_threshold_keeps_false_hits_away_none_is_taken():
    twins = [QuestionPair("changed", "en", "a", "Which fish lives in Harlow?", "Which fish lives in Harlow?")]
    alike = [QuestionPair("paraphrase", "en", "a", "Which fish lives in Harlow?", "What fish lives in Harlow?")]
    assert paired.chosen(judged(*twins, *alike), gated=True) is None
