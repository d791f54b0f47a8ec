"""The site serves what its addresses state."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator

import pytest

from experiments.measuring import services
from experiments.workloads.site.pages import FAULTS, LONGEST_MS, MOST_HOSTS, Visit, host_of, html, sentence, visits
from systems.research.fetching import make_fetcher
from systems.research.sources.documents import Document, Found, SourceRefusal


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    site = services.get("site")
    assert site.missing() == ""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("site")
    process = subprocess.Popen(site.command(folder, address), cwd=folder)
    try:
        while not _ready(site, address):
            assert process.poll() is None
        yield int(address.rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(site.stops_within_s)
    assert list(folder.iterdir()) == []


def _ready(site: services.Service, address: str) -> bool:
    try:
        return site.ready(address)
    except OSError:
        return False


def fetched(*addresses: str) -> list[Found]:
    fetcher = make_fetcher(
        "tasks", deadline_s=2.0, private_hosts=frozenset(host_of(number, MOST_HOSTS) for number in range(MOST_HOSTS))
    )
    return asyncio.run(fetcher.fetch(addresses))


@pytest.mark.parametrize("host", ["127.0.0.1", f"127.0.0.{MOST_HOSTS}"])
def test_a_page_says_what_only_it_says(port: int, host: str) -> None:
    [found] = fetched(Visit(number=3, after_ms=1).url(host, port, 7))
    assert isinstance(found, Document)
    assert found.title == "Entry 3"
    assert sentence(7, 3) in found.text
    assert "window.seen" not in found.text
    assert sentence(7, 4) not in found.text


def test_each_fault_is_what_it_is_called(port: int) -> None:
    found = fetched(*(Visit(number=1, after_ms=0, fault=fault).url("127.0.0.1", port, 7) for fault in FAULTS))
    said = [each.reason for each in found if isinstance(each, SourceRefusal)]
    for reason, words in zip(
        said, ("longer than 2 s", "broke", "answered 500", "without sending complete", "2,000,000 bytes"), strict=True
    ):
        assert words in reason


def test_pages_differ_and_are_the_same_for_one_seed() -> None:
    assert html(1, 2) == html(1, 2) != html(1, 3)
    assert 20_000 < len(html(1, 2)) < 60_000
    assert len({sentence(seed, number) for seed in range(9) for number in range(9)}) == 81


def test_delays_have_the_mean_that_is_stated_and_some_are_far_longer() -> None:
    assert {visit.after_ms for visit in visits(1, 50, "equal", 40, 0)} == {40}
    waits = [visit.after_ms for seed in range(40) for visit in visits(seed, 50, "heavy-tailed", 40, 0)]
    assert 30 < sum(waits) / len(waits) < 45
    assert sorted(waits)[len(waits) // 2] < 20
    assert 300 < max(waits) <= LONGEST_MS
    assert visits(3, 50, "heavy-tailed", 40, 5) == visits(3, 50, "heavy-tailed", 40, 5)


@pytest.mark.parametrize(("count", "failing"), [(10, 1), (50, 5), (50, 0)])
def test_so_many_fail_as_is_stated_each_in_its_way(count: int, failing: int) -> None:
    faults = [visit.fault for visit in visits(5, count, "equal", 40, failing) if visit.fault]
    assert sorted(faults) == sorted(FAULTS[:failing])
