"""Keys that answer rightly, and keys that answer wrongly."""

from experiments.workloads import replay


def test_a_key_of_the_whole_prompt_is_never_wrong_and_a_key_of_the_question_often():
    for kind, most in (("prompt", 0), ("question", 500)):
        made, wrong, found = {}, 0, 0
        for key, right in replay.keys(1, 500, kind):
            found += key in made
            wrong += made.setdefault(key, right) != right
        assert wrong <= most
        assert (wrong > 0) == (kind == "question")
        assert found > 0 or kind == "prompt"
