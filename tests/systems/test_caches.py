"""The two response caches: what leaves, when, and that both bounds hold."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from systems.asynchronous.cache import LruCache
from systems.baseline.cache import FifoCache
from systems.interface import Reply, Source


def reply(text="x", memories=()):
    return Reply(request_id="1", text=text, source=Source.MODEL, memories=memories)


def test_the_least_recently_used_leaves_first():
    cache = LruCache(2, 60, 10_000)
    cache.put("a", reply("1"))
    cache.put("b", reply("2"))
    assert cache.get("a").text == "1"
    cache.put("c", reply("3"))
    assert cache.get("b") is None
    assert cache.get("a").text == "1"


def test_the_plain_cache_drops_the_oldest_however_often_it_was_used():
    cache = FifoCache(2)
    cache.put("a", reply("1"))
    cache.put("b", reply("2"))
    cache.get("a")
    cache.put("c", reply("3"))
    assert cache.get("a") is None
    assert cache.get("b").text == "2"


def test_entries_expire():
    now = 0.0
    cache = LruCache(10, 30, 10_000, clock=lambda: now)
    cache.put("a", reply())
    now = 29.9
    assert cache.get("a") is not None
    now = 30.0
    assert cache.get("a") is None
    assert len(cache) == 0 == cache.bytes


def test_one_huge_reply_does_not_empty_the_cache():
    cache = LruCache(10, 60, 800)
    cache.put("a", reply("small"))
    cache.put("b", reply("x" * 101))
    assert cache.get("a") is not None
    assert cache.get("b") is None


@given(
    st.lists(st.tuples(st.sampled_from("abcd键值对吧"), st.integers(0, 60), st.integers(0, 3)), max_size=80),
    st.integers(0, 5),
    st.booleans(),
)
def test_the_cache_is_an_exact_lru_within_both_bounds(accesses, capacity, by_bytes):
    most = 200 if by_bytes else 10**6
    cache = LruCache(capacity, 60, most)
    model: list[tuple[str, str, int]] = []
    for key, length, memories in accesses:
        found = next((entry for entry in model if entry[0] == key), None)
        assert (cache.get(key).text if found else cache.get(key)) == (found[1] if found else None)
        if found:
            model.remove(found)
            model.append(found)
        text = "é" * length
        # Everything an entry keeps alive counts, in UTF-8: a Chinese character is three bytes.
        size = len((key + text + "记" * memories).encode())
        if capacity and size <= most // 8:
            model = [entry for entry in model if entry[0] != key] + [(key, text, size)]
            while len(model) > capacity or sum(entry[2] for entry in model) > most:
                model.pop(0)
        cache.put(key, reply(text, ("记",) * memories))
        assert len(cache) == len(model) <= capacity
        assert cache.bytes == sum(entry[2] for entry in model) <= most


def test_threads_may_share_the_cache():
    cache = LruCache(8, 60, 10_000)

    def use(offset):
        for number in range(2000):
            key = str((number + offset) % 16)
            if cache.get(key) is None:
                cache.put(key, reply(key))

    threads = [threading.Thread(target=use, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 8
    assert cache.bytes == sum(2 * len(key) for key in cache._entries)
