"""A system of another interpreter that fails oddly is an error for whoever asked, and answers the next one."""

import json
import sys

import pytest

from systems.elsewhere import system as elsewhere
from systems.elsewhere.system import Elsewhere
from systems.engines.interface import Message, Sampling
from systems.errors import BadInput, NotHeeded, SystemFailed
from systems.interface import Request

SOURCE = """
class Mute(Exception):
    def __str__(self):
        raise LookupError

class Odd:
    def __init__(self, settings, engine_url, data_dir): pass
    def start(self): pass
    def close(self): pass
    def answer(self, request, on_token):
        match request["text"]:
            case "mute": raise Mute
            case "half": raise ValueError("half \\ud800 of a pair")
            case "object": return {"text": object()}
            case "nan": return {"text": "", "first_token_s": float("nan")}
            case "halves": return "half \\ud800 of a pair"
        return "fine"
"""


@pytest.fixture
def module(monkeypatch, tmp_path):
    """Return a function that writes the module ``odd``, which every interpreter finds."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return (tmp_path / "odd_elsewhere.py").write_text


async def test_an_error_that_cannot_be_said_is_told_all_the_same(module, tmp_path):
    module(SOURCE)
    system = Elsewhere({}, "", tmp_path, interpreter=sys.executable, implementation="odd_elsewhere:Odd")
    await system.start()
    try:
        for text, words in (
            ("mute", "Mute: what it says cannot be read"),
            ("half", r"ValueError: half \? of a pair"),
            ("object", "TypeError"),
            ("nan", "ValueError"),
        ):
            with pytest.raises(SystemFailed, match=words):
                await system.answer(Request(id=text, session="a", text=text, deadline_s=20.0))
            reply = await system.answer(Request(id="after", session="a", text="", deadline_s=20.0))
            assert reply.text == "fine"
        halves = await system.answer(Request(id="halves", session="a", text="halves", deadline_s=20.0))
        assert halves.text == "half ? of a pair"
    finally:
        await system.close()


async def test_what_a_client_asks_for_is_told_there_and_what_it_does_not_is_not(module, tmp_path):
    module(
        "import json\nclass Echo:\n"
        "    def __init__(self, settings, engine_url, data_dir): pass\n"
        "    def start(self): pass\n"
        "    def close(self): pass\n"
        "    def answer(self, request, on_token): return json.dumps(request)\n"
    )
    system = Elsewhere({}, "", tmp_path, interpreter=sys.executable, implementation="odd_elsewhere:Echo")
    await system.start()
    try:
        plain = {"id": "1", "session": "a", "text": "Why?"}
        reply = await system.answer(Request(**plain))
        assert json.loads(reply.text) == {**plain, "max_tokens": None, "deadline_s": None, "observed": None}
        reply = await system.answer(
            Request(**plain, conversation="c", before=(Message("user", "x"),), kept=False, sampling=Sampling(top_k=1))
        )
        told = json.loads(reply.text)
        assert told["before"] == [{"role": "user", "content": "x"}]
        assert (told["conversation"], told["kept"], told["sampling"]["top_k"]) == ("c", False, 1)
        unknown = [{"grammar": 'root ::= "a"'}, {"likeliest": 0}, {"sampling": Sampling(stop=("x",))}]
        for more in (*unknown, {"sampling": Sampling(logit_bias=((1, 2.0),))}):
            with pytest.raises(NotHeeded, match="elsewhere"):
                await system.answer(Request(**plain, **more))
    finally:
        await system.close()


@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.exit(0)",
        "raise KeyError",
        f"{SOURCE}\nraise Mute",
        "def broken(:",
        "import os; os.write(2, b'\\xff')",
    ],
)
def test_a_module_that_is_no_system_is_one_sentence(module, source):
    module(source)
    with pytest.raises(BadInput, match="The system 'odd' ") as caught:
        elsewhere.examine("odd", sys.executable, "odd_elsewhere:Odd")
    assert "\n" not in str(caught.value)
