import pytest

from experiments.workloads.conversations import conversations


@pytest.mark.parametrize("seed", range(3))
def test_no_question_is_asked_twice_and_every_script_is_long_enough(seed):
    planned = conversations(seed, 20, 5)
    texts = [turn.text for turns in planned for turn in turns]
    assert len(texts) == len(set(texts)) == 100
    assert planned == conversations(seed, 20, 5)
    assert all(len(turn.reply) > 60 for turns in planned for turn in turns)
