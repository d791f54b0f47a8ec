"""Which of two models answers, and that each is loaded, asked, forgotten in and closed."""

import pytest

from systems.engines.interface import Call, Message, Sampling
from systems.engines.llama import LlamaEngine, LlamaSettings
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.errors import NotHeeded
from systems.interface import Request, Source
from systems.pooled.agent import Pooled
from systems.pooled.choosing import TwoEngines, is_difficult
from systems.pooled.settings import PooledSettings
from systems.server.unloading import unloading
from tests.systems.conversing import simulated


class Named(SimulatedEngine):
    """Says its name; notes what is done with it."""

    def __init__(self, name):
        super().__init__(SimulatedSettings())
        self.called, self.done = name, []

    @property
    def identity(self):
        return self.called

    def load(self):
        self.done.append("load")
        super().load()

    def generate(self, call):
        self.done.append("generate")
        return super().generate(call)

    def forget(self, conversation):
        self.done.append(f"forget {conversation}")

    def close(self):
        self.done.append("close")


@pytest.mark.parametrize(
    ("question", "difficult"),
    [
        ("What is the capital of France?", False),
        ("Where does Vera live?", False),
        ("杭州在哪里？", False),
        ("Why is the sky blue?", True),
        ("How do I bake bread?", True),
        ("Compare bees and wasps.", True),
        ("What is 17 * 23?", True),
        ("为什么天空是蓝色的？", True),
        ("Tell me of " + "bees and " * 30, True),
    ],
)
def test_what_asks_for_a_fact_is_easy(question, difficult):
    assert is_difficult(question) is difficult


async def test_each_model_answers_what_it_is_for_and_the_cache_keeps_them_apart(tmp_path, monkeypatch):
    own, easy = Named("own"), Named("easy")
    monkeypatch.setattr(TwoEngines, "of_file", classmethod(lambda cls, engine, _: cls(engine, easy)))
    agent = Pooled(PooledSettings(easy_model="small.gguf", memories=0, history_length=0), own, tmp_path)
    await agent.start()

    async def ask(text):
        return await agent.answer(Request(id="1", session="s", text=text, max_tokens=2))

    for text in ("Where is Lisbon?", "Why is Lisbon warm?", "Where is Lisbon?", "Why is Lisbon warm?"):
        reply = await ask(text)
    assert reply.source is Source.CACHE
    [turn, _, _, _] = await agent.turns("s")
    await agent.forget("s", turn=turn.id)
    await agent.close()
    assert [each for each in own.done if each != "forget s"] == ["load", "generate", "close"]
    assert [each for each in easy.done if each != "forget s"] == ["load", "generate", "close"]
    assert "forget s" in own.done and "forget s" in easy.done


def test_what_only_one_of_them_would_heed_is_refused():
    both = TwoEngines(simulated(), simulated())
    assert not both.samples_as_asked
    with pytest.raises(NotHeeded):
        both.check_heeds(Sampling(stop=("x",)), None, None)


def test_the_second_model_leaves_memory_as_the_first_does_and_comes_back(tiny_model):
    now = 0.0
    own = unloading(simulated(), 600, lambda: now)
    both = TwoEngines.of_file(own, tiny_model)
    call = Call(messages=[Message("user", "Where is Lisbon?")], max_tokens=2)
    easy = both.engine_for(Request(id="1", session="s", text="Where is Lisbon?"))
    both.load()
    now = 599.0
    easy.generate(call)
    now = 600.0
    assert own.unload_if_idle() == 599
    assert (own.loaded, easy.loaded) == (False, True)
    now = 1_199.0
    own.unload_if_idle()
    assert not easy.loaded
    easy.generate(call)
    assert (own.loaded, easy.loaded) == (False, True)
    both.close()
    assert not easy.loaded


def test_the_second_model_computes_with_as_many_threads_as_the_first_was_told(tiny_model):
    for threads in (1, None):
        own = LlamaEngine(LlamaSettings(model_path=str(tiny_model), threads=threads))
        both = TwoEngines.of_file(unloading(own, 600), tiny_model)
        assert both.engine_for(Request(id="1", session="s", text="Where is Lisbon?")).threads == threads
