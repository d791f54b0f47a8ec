"""The response caches: what leaves, when, and that both bounds hold."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from systems.interface import Reply, Source
from systems.mechanisms.caches import POLICIES, BoundedCache, FifoCache


def reply(text="x", memories=()):
    return Reply(request_id="1", text=text, source=Source.MODEL, memories=memories)


def test_the_least_recently_used_leaves_first():
    cache = BoundedCache(2, 60, 10_000)
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


def test_what_is_asked_for_often_outlives_a_scan_where_tinylfu_decides():
    left = {}
    for policy in POLICIES:
        cache = BoundedCache(5, 60, 10_000, policy)
        for _ in range(4):
            for key in "abcd":
                if cache.get(key) is None:
                    cache.put(key, reply(key))
        for number in range(40):
            assert cache.get(f"once {number}") is None
            cache.put(f"once {number}", reply())
        left[policy] = "".join(key for key in "abcd" if cache.get(key))
    assert left == {"lru": "", "tinylfu": "abcd", "fifo": ""}


@given(
    st.sampled_from(list(POLICIES)),
    st.lists(st.tuples(st.sampled_from(["get", "put", "resize", "wait"]), st.integers(0, 30)), max_size=150),
)
def test_under_every_policy_both_bounds_hold_and_what_is_held_is_right(policy, steps):
    now = 0.0
    cache = BoundedCache(4, 30, 400, policy, clock=lambda: now)
    stored = {}
    for step, number in steps:
        key = str(number)
        if step == "put":
            cache.put(key, reply(key * (1 + number % 9)))
            stored[key] = now
        elif step == "get" and (found := cache.get(key)):
            assert found.text == key * (1 + number % 9)
            assert now < stored[key] + 30
        elif step == "resize":
            cache.resize(number % 7)
        elif step == "wait":
            now += number
        assert len(cache) <= cache.capacity
        assert cache.bytes <= 400
    cache.resize(0)
    assert len(cache) == cache.bytes == 0


def test_entries_expire():
    now = 0.0
    cache = BoundedCache(10, 30, 10_000, clock=lambda: now)
    cache.put("a", reply())
    now = 29.9
    assert cache.get("a") is not None
    now = 30.0
    assert cache.get("a") is None
    assert len(cache) == 0 == cache.bytes


def test_one_huge_reply_does_not_empty_the_cache():
    cache = BoundedCache(10, 60, 800)
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
    cache = BoundedCache(capacity, 60, most)
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
    cache = BoundedCache(8, 60, 10_000)

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
