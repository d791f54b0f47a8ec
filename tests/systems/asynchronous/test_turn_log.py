"""A turn in the log: a line, and one for each of its steps, without the user's words."""

import json

import pytest

from systems.errors import EngineBusy, EngineError
from systems.logs import session_digest
from systems.memory.keywords import Keywords
from tests.systems.asynchronous.asking import SECRET, Shaky, answered, ask, raising


async def test_a_turn_is_one_line_and_each_of_its_steps_another_without_the_users_words(tmp_path, lines, monkeypatch):
    monkeypatch.setattr(Keywords, "extract", raising(ValueError(f"cannot extract {SECRET}")))
    await answered(tmp_path, ask(), Shaky(EngineBusy("Busy.")), all_words=False)
    found = lines()
    assert [line["step"] for line in found if line["event"] == "step"] == [
        "memory lookup",  # for what was said before a restart
        "keywords",
        "system information",
        "memory lookup",
        "model",
    ]
    [turn] = [line for line in found if line["event"] == "turn"]
    assert (turn["level"], turn["outcome"], turn["retries"], turn["degraded"]) == ("INFO", "ok", 1, ["keywords"])
    assert (turn["request"], turn["session"], turn["source"]) == ("1", session_digest("anna"), "model")
    assert turn["duration_s"] >= turn["first_token_s"] >= 0
    [retry] = [line for line in found if line["event"] == "retry"]
    assert (retry["level"], retry["step"], retry["error"]) == ("WARNING", "model", "EngineBusy")
    [degraded] = [line for line in found if line["event"] == "degraded"]
    # Nobody plans a ValueError: its frames are there, its message, which quotes the user, is not.
    assert (degraded["level"], degraded["error"]) == ("ERROR", "ValueError")
    assert any("in extract" in frame or "in fail" in frame for frame in degraded["traceback"])
    text = json.dumps(found)
    assert "beekeeping" not in text
    assert "anna" not in text


@pytest.mark.parametrize(("failure", "outcome"), [(EngineError("No."), "EngineError"), (KeyError("x"), "KeyError")])
async def test_a_turn_that_fails_is_one_line_too(tmp_path, lines, failure, outcome):
    with pytest.raises(type(failure)):
        await answered(tmp_path, ask(), Shaky(failure))
    [turn] = [line for line in lines() if line["event"] == "turn"]
    assert turn["outcome"] == outcome
    assert "source" not in turn
