"""Runtime commands: typed as a turn, answered without a model, the same by both agents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systems.asynchronous.agent import Asynchronous
from systems.baseline.agent import Baseline
from systems.engines.simulated import SimulatedEngine, SimulatedSettings
from systems.interface import Reply, Request, Source
from systems.mechanisms.caches import BoundedCache, FifoCache
from systems.pooled.agent import Pooled
from systems.server.hosting import host
from systems.tiered.agent import Tiered
from systems.turn import commands
from systems.turn.history import Exchange, Histories, keep_newest

SAID = [
    ("anna", "/settings"),
    ("anna", "First, about bees"),
    ("anna", "Second, about bees"),
    ("anna", "/history 2"),
    ("bo", "/settings"),
    ("anna", "/cache size 200"),
    ("bo", "/settings"),
    ("anna", "/settings"),
    ("anna", "/history"),
    ("anna", "/history -1"),
    ("anna", "/history 1001"),
    ("anna", "/history many"),
    ("anna", "/history 1 2"),
    ("anna", "/cache"),
    ("anna", "/cache size"),
    ("anna", "/cache size 1.5"),
    ("anna", "/cache clear"),
    ("anna", "/forget"),
    ("anna", "/"),
    ("anna", "  /help"),
    ("anna", "/hist 3"),
    ("anna", "/Help!"),
    ("anna", "/help me with this"),
    ("anna", "/forget what I said"),
    ("anna", "/etc/fstab is broken"),
]

COMMANDS = [
    *(
        "/help",
        "  /help",
        "/help\n",
        "/Help",
        "/HELP?",
        "/forget",
        "/settings",
        "/history",
        "/history 4",
        "/history of Rome",
    ),
    *("/cache", "/cache size 5", "/CACHE size 5", "/help me", "/forget it", "/", "/?"),
]
NEARLY = [
    *(
        "/hlep",
        "/halp",
        "/histroy 4",
        "/hist 3",
        "/history4",
        "/histroy",
        "/cahce size 5",
        "/cach size -1",
        "/set",
        "/forgot",
    ),
    *("/Setings", "/setting", "/forgett!"),
]
MESSAGES = [
    *("/etc/fstab is broken", "// TODO", "//", "/r/python", "/r/python is nice", "/s", "/home is my favourite page"),
    *(
        "/home",
        "/tmp",
        "/usr",
        "/cache/foo is full",
        "/settings.json is broken",
        "/help/me",
        "/* a comment */",
        "/dev/null",
    ),
    *(
        "/histroy is misspelt",
        "/forgot about it",
        "/ help",
        "/help\n/settings\nare commands",
        "/帮助",
        "",
        " ",
        "help",
        "a /help",
    ),
    *("\\help", "/healthz", "/path", "/1", "/4 of them", "/-help", "/the history 4"),
]


@pytest.mark.parametrize(
    ("text", "is_command"),
    [*((text, True) for text in [*COMMANDS, *NEARLY]), *((text, False) for text in MESSAGES)],
)
def test_a_slash_begins_a_command_where_a_name_follows_or_was_plainly_meant(text, is_command):
    assert commands.is_command(text) == is_command


@pytest.mark.parametrize("text", NEARLY)
def test_what_is_nearly_a_command_changes_nothing_and_is_told_the_name(text):
    histories, cache = Histories(10, 10, keep_newest), FifoCache(50)
    histories.add("anna", Exchange("question", "answer"))
    said = commands.answer(text, "anna", histories, cache)
    assert said.startswith("There is no command /")
    assert "did you mean /" in said
    assert (len(histories.messages("anna")), histories.length("anna"), cache.capacity) == (2, 10, 50)
    assert not commands.concerns_everyone(text)


def test_whoever_may_not_change_the_cache_may_not_by_another_spelling():
    for text in ("/cache size 5", "/CACHE  size 5", "\t/Cache size 5\n", "/cache size 5!"):
        assert commands.concerns_everyone(text)
    for text in ("/cache/size 5", "/ cache size 5", "cache size 5", "//cache size 5", "/history 5"):
        assert not commands.concerns_everyone(text)


@given(st.text(max_size=30).map("/".__add__))
def test_nothing_is_a_command_that_changes_something_unless_a_name_follows_the_slash(text):
    histories, cache = Histories(10, 10, keep_newest), FifoCache(50)
    histories.add("anna", Exchange("question", "answer"))
    commands.answer(text, "anna", histories, cache)
    changed = (len(histories.messages("anna")), histories.length("anna"), cache.capacity) != (2, 10, 50)
    assert not changed or text.lower().startswith(("/forget", "/history", "/cache"))


async def said(kind, folder):
    folder.mkdir()
    async with host(kind(kind.Settings(), SimulatedEngine(SimulatedSettings()), folder)) as running:
        asked = [Request(id="1", session=session, text=text, max_tokens=2) for session, text in SAID]
        return [await running.answer(request) for request in asked]


async def test_both_agents_answer_every_command_alike_and_without_a_model(tmp_path):
    baseline, asynchronous = await said(Baseline, tmp_path / "a"), await said(Asynchronous, tmp_path / "b")
    answers = {}
    for (session, text), one, other in zip(SAID, baseline, asynchronous, strict=True):
        assert one.source is other.source is (Source.COMMAND if commands.is_command(text) else Source.MODEL)
        if one.source is Source.COMMAND:
            assert one.text == other.text
            answers.setdefault((session, text), []).append(one.text)
    assert answers["anna", "/settings"] == [
        "History: 10 messages of this conversation. Cache: 50 replies for everyone.",
        "History: 2 messages of this conversation. Cache: 200 replies for everyone.",
    ]
    # The history is a conversation's own; the cache is everyone's.
    assert answers["bo", "/settings"] == [
        "History: 10 messages of this conversation. Cache: 50 replies for everyone.",
        "History: 10 messages of this conversation. Cache: 200 replies for everyone.",
    ]
    for text in ("/history", "/history -1", "/history 1001", "/history many", "/history 1 2"):
        assert answers["anna", text] == ["Write /history N, with N from 0 to 1000 messages."]
    for text in ("/cache", "/cache size", "/cache size 1.5", "/cache clear"):
        assert answers["anna", text] == ["Write /cache size N, with N from 0 to 100000 replies."]
    for text in ("/", "/hist 3", "  /help", "/Help!"):
        assert answers["anna", text][0].endswith(commands.HELP)
    # What would delete something is not done when something else was said.
    assert answers["anna", "/forget what I said"][0].startswith("Write /forget alone.")
    assert answers["anna", "/help me with this"][0].startswith("Write /help alone.")


@pytest.mark.parametrize("kind", [Baseline, Asynchronous, Tiered, Pooled])
async def test_a_shorter_history_shortens_the_next_prompt(tmp_path, kind):
    async with host(kind(kind.Settings(memories=0), SimulatedEngine(SimulatedSettings()), tmp_path)) as running:

        async def prompt_tokens(text):
            return (await running.answer(Request(id="1", session="s", text=text, max_tokens=2))).prompt_tokens

        alone = await prompt_tokens("The bees")
        assert await prompt_tokens("The ants") > alone
        await prompt_tokens("/history 0")
        assert await prompt_tokens("The owls") == await prompt_tokens("The cats") == alone


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.sampled_from("abc")),
            st.tuples(st.just("forget"), st.sampled_from("abc")),
            st.tuples(st.integers(0, 7), st.sampled_from("abcdefgh")),
        ),
        max_size=40,
    )
)
def test_histories_stay_within_their_lengths_and_their_number(actions):
    histories = Histories(4, 3, keep_newest)
    for action, session in actions:
        if action == "say":
            histories.add(session, Exchange("question", "answer"))
        elif action == "forget":
            histories.forget(session)
            assert histories.messages(session) == []
        else:
            histories.resize(session, action)
            assert histories.length(session) == action
        assert len(histories.messages(session)) <= histories.length(session)
        assert len(histories._sessions) <= 3
        # A session that was dropped takes its own length with it: no one can fill the memory with lengths.
        assert set(histories._own_lengths) <= set(histories._sessions)


@pytest.mark.parametrize("make", [FifoCache, lambda capacity: BoundedCache(capacity, 60, 10**6)])
@given(first=st.integers(0, 8), then=st.integers(0, 8), puts=st.integers(0, 8))
def test_a_resized_cache_keeps_the_newest_that_fit(make, first, then, puts):
    cache, keys = make(first), list("abcdefghi")

    def held():
        return [key for key in keys if cache.get(key) is not None]

    for key in keys[:puts]:
        cache.put(key, Reply(request_id="1", text=key, source=Source.MODEL))
    cache.resize(then)
    kept = keys[max(0, puts - min(first, then)) : puts]
    assert (held(), cache.capacity) == (kept, then)
    cache.put(keys[puts], Reply(request_id="1", text="one more", source=Source.MODEL))
    assert held() == ([*kept, keys[puts]][-then:] if then else [])


def test_who_asks_what_forgetting_does_forgets_nothing():
    histories = Histories(10, 10, keep_newest)
    histories.add("s", Exchange("q", "a"))
    commands.answer("/forget?", "s", histories, FifoCache(1))
    assert histories.messages("s")
