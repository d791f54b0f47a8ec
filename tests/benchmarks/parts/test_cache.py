"""The response cache: a mixture of hits and misses, as Zipf's law has it, under each policy."""

from __future__ import annotations

import pytest

from experiments.workloads.traces import zipf
from systems.interface import Reply, Source
from systems.mechanisms.caches import POLICIES, BoundedCache

ASKED = 1_000


@pytest.mark.parametrize("policy", POLICIES)
def test_a_thousand_lookups_each_stored_when_missed(benchmark, policy):
    cache = BoundedCache(100, 1800.0, 2**20, policy)
    reply = Reply(request_id="1", text="A reply of the usual length. " * 8, source=Source.MODEL)
    keys = [f"session {key}" for key in zipf(0, ASKED, 1_000, 0.9)]

    def ask() -> None:
        for key in keys:
            if cache.get(key) is None:
                cache.put(key, reply)

    benchmark(ask)
    assert len(cache) == 100
