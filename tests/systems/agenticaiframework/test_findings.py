"""What was found of the package itself, in the version that docs/agenticaiframework.md is about.

Each is a fact about somebody else's code, counted and not timed; where a newer version is installed the page is to be
looked at again, and these tests are skipped.
"""

import heapq
import importlib
import random
from importlib.metadata import version
from pathlib import Path

import pytest
from agenticaiframework import Agent, AgentManager, ContextManager, LLMManager, MemoryManager
from agenticaiframework.enterprise import vector_database as vectors

VERSION = "3.0.12"
PAGE = (Path(__file__).parents[3] / "docs" / "agenticaiframework.md").read_text("utf-8")

pytestmark = pytest.mark.skipif(version("agenticaiframework") != VERSION, reason=f"these are of {VERSION}")


def agent(models=None, **more):
    return Agent("assistant", "helper", [], {"llm": models}, **more)


def manager(reply, **more):
    models = LLMManager(**more)
    models.register_model("first", reply)
    models.set_active_model("first")
    return models


def test_six_hundred_chinese_characters_are_one_token():
    assert ContextManager().estimate_tokens("蜜" * 600) == 1
    assert ContextManager().estimate_tokens("bee " * 600) == 780


def test_a_window_of_four_thousand_tokens_holds_twenty_six_thousand():
    context = ContextManager(max_tokens=4000)
    for _ in range(20):
        context.add_context("bee " * 1000, importance=1.0)
    assert context.get_stats()["current_tokens"] == 26_000


def test_the_summary_is_the_last_ten_items_cut_to_a_hundred_characters_and_the_critical_one_is_gone():
    context = ContextManager(max_tokens=4000)
    context.add_context("CRITICAL: the pump is off.", importance=1.0)
    for number in range(10):
        context.add_context(f"{number} " + "x" * 500, importance=0.3)
    lines = context.get_context_summary().splitlines()
    assert [line[2:3] for line in lines] == [str(number) for number in range(10)]
    assert {len(line) for line in lines} == {2 + 100}
    assert "CRITICAL" not in context.get_context_summary()


def test_a_compressed_context_is_no_longer_in_the_order_in_which_it_was_said():
    context = ContextManager(max_tokens=100)
    for number, importance in enumerate((0.3, 0.6, 0.3, 0.6, 0.3, 0.6)):
        context.add_context(f"{number} " + "bee " * 15, importance=importance)
    kept = [int(item.content.split()[0]) for item in context.context_history]
    assert context.get_stats()["compression_stats"]["total_compressions"] > 0
    assert kept != sorted(kept)


def test_what_a_context_let_go_of_is_still_in_memory():
    context = ContextManager(max_tokens=100)
    for _ in range(500):
        context.add_context("bee " * 20, importance=0.85)
    assert len(context.context_history) < 10
    assert len(context.context_graph) == len(context.important_context) == 500


def test_the_cache_does_not_know_which_model_answered():
    models = manager(lambda prompt, settings: "said the first")
    models.register_model("second", lambda prompt, settings: "said the second")
    assert models.generate("How many bees?") == "said the first"
    models.set_active_model("second")
    assert models.generate("How many bees?") == "said the first"
    # Nor does the model that a call names matter.
    assert models.generate("How many wasps?", model="first") == "said the second"


def test_the_cache_has_no_bound():
    models = manager(lambda prompt, settings: "yes")
    for number in range(5_000):
        models.generate(str(number))
    assert len(models.cache) == 5_000


def test_five_failures_in_a_life_shut_a_model_out_for_everybody():
    failing = [True, False] * 4 + [True]

    def reply(prompt, settings):
        if failing.pop(0):
            raise OSError("for a moment")
        return "yes"

    models = manager(reply, max_retries=1, enable_caching=False)
    said = [models.generate("How many bees?") for _ in range(9)]
    assert said == [None, "yes"] * 4 + [None]
    assert models.generate("How many bees?") is None  # nobody was asked
    assert failing == []
    assert models.get_model_info("first")["circuit_breaker_state"] == "open"


def test_the_agents_role_is_in_no_prompt_of_a_run():
    prompts = []
    models = manager(lambda prompt, settings: prompts.append(prompt) or "yes")
    Agent("assistant", "You are a beekeeper.", [], {"llm": models}).run("How many bees?")
    assert prompts == ["User Prompt:\nHow many bees?"]


def test_what_a_run_failed_of_is_lost():
    def reply(prompt, settings):
        raise OSError("The disk is gone.")

    told = agent(manager(reply)).run("How many bees?")
    assert told["status"] == "error"
    assert "disk" not in str(told)


async def test_what_is_called_an_hnsw_index_compares_every_vector(monkeypatch):
    compared = []
    measure = vectors.FlatIndex._compute_similarity
    monkeypatch.setattr(
        vectors.FlatIndex, "_compute_similarity", lambda self, a, b: compared.append(b) or measure(self, a, b)
    )
    rng = random.Random(1)
    index = vectors.HNSWIndex(dimensions=4)
    for number in range(300):
        await index.add(str(number), [rng.random() for _ in range(4)], {})
    await index.search([0.1, 0.2, 0.3, 0.4], 10, None)
    assert len(compared) == 300


def test_every_store_beyond_the_limit_builds_a_heap_of_everything(monkeypatch):
    built = []
    heapify = heapq.heapify
    monkeypatch.setattr(heapq, "heapify", lambda heap: built.append(len(heap)) or heapify(heap))
    memory = MemoryManager(long_term_limit=1000)
    for number in range(1_010):
        memory.store_long_term(f"{number:06d}", "bees")
    assert built == [1_001] * 10


def test_a_memory_is_searched_for_the_whole_question_letter_for_letter():
    memory = MemoryManager()
    memory.store_long_term("1", "Vera keeps bees in Lisbon.")
    assert memory.search("Where does Vera keep bees?") == []
    assert len(memory.search("vera")) == 1


def test_a_memory_that_is_called_thread_safe_takes_no_lock(tmp_path):
    class Watched:
        taken = 0

        def __enter__(self):
            self.taken += 1

        def __exit__(self, *_):
            pass

        acquire = __enter__

    memory = MemoryManager(short_term_limit=1)
    memory._lock = lock = Watched()
    for key in "ab":
        memory.store_short_term(key, "bees")
        memory.store_long_term(key, "bees")
    memory.retrieve("a")
    memory.search("bees")
    memory.consolidate()
    memory.export_to_json(str(tmp_path / "memory.json"))
    memory.clear()
    assert lock.taken == 0
    assert "thread safety" in importlib.import_module(MemoryManager.__module__).__doc__


def test_every_turn_beyond_ten_thousand_sorts_all_traces(monkeypatch):
    tracer = importlib.import_module("agenticaiframework.tracing.tracer")
    traces, sorted_ = tracer.AgentStepTracer(), []  # the only one: every agent has it
    traces.traces.clear()
    monkeypatch.setattr(
        tracer, "sorted", lambda items, **more: sorted_.append(len(items)) or sorted(items, **more), raising=False
    )
    for _ in range(10_010):
        traces.end_span(traces.start_trace("turn"))
    assert sorted_ == [10_001] * 10
    traces.traces.clear()


def _member(module, name):
    return lambda: getattr(importlib.import_module(f"agenticaiframework.{module}"), name)


PROMISED = {
    "AgentManager(max_agents, min_idle_agents, pool_timeout, enable_warmup)": (
        lambda: AgentManager(max_agents=50, min_idle_agents=5, pool_timeout=30, enable_warmup=True),
        TypeError,
    ),
    "TaskQueue": (_member("tasks", "TaskQueue"), AttributeError),
    "execute_task_async": (lambda: agent().execute_task_async, AttributeError),
    "ContextManager(enable_summarization)": (lambda: ContextManager(enable_summarization=True), TypeError),
    "generate_stream": (lambda: LLMManager().generate_stream, AttributeError),
    "MemoryManager(config)": (lambda: MemoryManager(config={"hot_tier": {"backend": "redis"}}), TypeError),
    "create_index": (lambda: MemoryManager().create_index, AttributeError),
    "retrieve(filter, limit, use_index, projection)": (
        lambda: MemoryManager().retrieve(filter={"agent_id": "agent_001"}, limit=10),
        TypeError,
    ),
    "retrieve_all": (lambda: MemoryManager().retrieve_all, AttributeError),
    "delete_where": (lambda: MemoryManager().delete_where, AttributeError),
    "KnowledgeBase": (_member("knowledge", "KnowledgeBase"), AttributeError),
    "MonitoringManager": (_member("monitoring", "MonitoringManager"), AttributeError),
    "Agent(name, role, capabilities)": (
        lambda: Agent(name="warmup_agent_0", role="general", capabilities=["task_execution"]),
        TypeError,
    ),
}


@pytest.mark.parametrize("name", PROMISED)
def test_what_its_guide_promises_and_it_lacks(name):
    attempt, error = PROMISED[name]
    with pytest.raises(error):
        attempt()
    assert f"| `{name}` |" in PAGE
