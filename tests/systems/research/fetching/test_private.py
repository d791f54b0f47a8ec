"""Nothing in a private network is asked unless it was named: whatever it is called, and whoever leads there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from systems.research.fetching import make_fetcher
from systems.research.fetching.interface import Fetcher, FetchLimits
from systems.research.fetching.sequential import Sequential
from systems.research.fetching.tasks import Tasks
from systems.research.fetching.threads import Threads
from systems.research.sources.addresses import is_public
from systems.research.sources.documents import Document, Found, SourceRefusal
from tests.systems.research.fetching.hostile import Hostile, redirect

KINDS = {"sequential": Sequential, "threads": Threads, "tasks": Tasks}


def fetcher(pattern: str, known: dict[str, list[list[str]]], *named: str) -> Fetcher:
    """Return a fetcher to whom a name stands for the next of its lists each time it is looked up."""

    def look_up(host: str, port: int) -> list[str]:
        if host not in known:
            raise OSError("Name or service not known")
        return known[host].pop(0) if len(known[host]) > 1 else known[host][0]

    limits = FetchLimits(private_hosts=frozenset(named), deadline_s=5.0)
    return KINDS[pattern](limits, look_up)  # type: ignore[abstract, call-arg]


def read(reader: Fetcher, *sources: str) -> list[Found]:
    return asyncio.run(reader.fetch(sources))


def refused(found: Found) -> bool:
    return isinstance(found, SourceRefusal) and "not in the public network" in found.reason


PRIVATE = [
    "http://127.0.0.1:{port}/good",
    "http://127.1:{port}/good",
    "http://2130706433:{port}/good",
    "http://0x7f000001:{port}/good",
    "http://0177.0.0.1:{port}/good",
    "http://0:{port}/good",
    "http://0.0.0.0:{port}/good",
    "http://[::1]:{port}/good",
    "http://[::ffff:127.0.0.1]:{port}/good",
    "http://[::ffff:7f00:1]:{port}/good",
    "http://[64:ff9b::7f00:1]:{port}/good",
    "http://[2002:7f00:1::]:{port}/good",
    "http://localhost:{port}/good",
    "http://LOCALHOST.:{port}/good",
    "http://127.0.0.1.:{port}/good",
    "http://１２７.0.0.1:{port}/good",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/machine/",
    "http://192.0.0.192/opc/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://[fe80::1]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_way_to_write_a_private_address_leads_there(pattern: str, site: Hostile, address: str) -> None:
    address = address.format(port=site.port)
    [found] = asyncio.run(make_fetcher(pattern, deadline_s=5.0).fetch([address]))
    assert refused(found), found
    assert site.connections == 0


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),
        ("2002:5db8:d822::", True),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("::93.184.216.34", False),
        ("fec0::1", False),
        ("198.18.0.1", False),
        ("172.31.255.255", False),
        ("172.32.0.1", True),
        ("64:ff9b:1::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("240.0.0.1", False),
    ],
)
def test_which_numbers_are_public(number: str, public: bool) -> None:
    assert is_public(number) is public


@pytest.mark.parametrize("numbers", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"]])
def test_a_name_that_stands_for_a_private_address_is_refused_also_among_others(
    pattern: str, site: Hostile, numbers: list[str]
) -> None:
    [found] = read(fetcher(pattern, {"pages.example": [numbers]}), f"http://pages.example:{site.port}/good")
    assert refused(found)
    assert site.connections == 0


def test_the_connection_is_made_to_what_was_checked_and_to_nothing_looked_up_afterwards(pattern: str) -> None:
    """A name may stand for one address when it is checked and for another a moment later."""
    with Hostile() as site:
        known = {"pages.example": [["127.0.0.1"], ["10.0.0.1"]]}
        [found] = read(fetcher(pattern, known, "pages.example"), f"http://pages.example:{site.port}/good")
        assert isinstance(found, Document)
        assert site.connections == 1
        assert known == {"pages.example": [["10.0.0.1"]]}


def test_a_name_that_changes_to_a_private_address_is_refused_when_it_is_looked_up_again(pattern: str) -> None:
    with Hostile() as site:
        known = {"pages.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
        site.more["/away"] = redirect(b"http://other.example:%d/good" % site.port)
        first, second = read(
            fetcher(pattern, known, "pages.example"),
            f"http://pages.example:{site.port}/good",
            f"http://pages.example:{site.port}/away",
        )
        assert isinstance(first, Document)
        assert refused(second)


@pytest.fixture
def two() -> Iterator[tuple[Hostile, Hostile]]:
    with Hostile() as one, Hostile("127.0.0.2") as other:
        yield one, other


def test_a_redirect_leads_to_no_private_host_that_was_not_named(pattern: str, two: tuple[Hostile, Hostile]) -> None:
    one, other = two
    one.more["/there"] = redirect(f"{other.url}/good".encode())
    [found] = read(fetcher(pattern, {}, "127.0.0.1"), f"{one.url}/there")
    assert refused(found)
    assert other.connections == 0
    [found] = read(fetcher(pattern, {}, "127.0.0.1", "127.0.0.2"), f"{one.url}/there")
    assert isinstance(found, Document)


def test_named_hosts_are_named_however_they_are_written(site: Hostile) -> None:
    reader = make_fetcher("tasks", private_hosts=frozenset({"LocalHost.", "[::1]"}))
    [found] = asyncio.run(reader.fetch([f"http://localhost:{site.port}/good"]))
    assert isinstance(found, Document)


def test_a_host_without_an_address_is_refused(pattern: str) -> None:
    [found] = read(fetcher(pattern, {}), "http://nobody.example/")
    assert isinstance(found, SourceRefusal)
    assert found.reason == "no address of nobody.example is known (Name or service not known)"


def test_a_resolver_that_never_answers_is_waited_for_no_longer_than_the_deadline(pattern: str) -> None:
    answered = threading.Event()

    def look_up(host: str, port: int) -> list[str]:
        answered.wait()
        return ["127.0.0.1"]

    reader = KINDS[pattern](FetchLimits(deadline_s=0.2), look_up)  # type: ignore[abstract, call-arg]
    [found] = read(reader, "http://slow.example/")
    answered.set()
    assert found == SourceRefusal("http://slow.example/", "it took longer than 0.2 s")


def test_the_next_address_of_a_host_is_tried(pattern: str, site: Hostile) -> None:
    known = {"pages.example": [["127.0.0.3", "127.0.0.1"]]}
    [found] = read(fetcher(pattern, known, "pages.example"), f"http://pages.example:{site.port}/good")
    assert isinstance(found, Document)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ftp://example.org/a.txt", "its scheme is ftp"),
        ("gopher://example.org/", "its scheme is gopher"),
        ("http://user:secret@example.org/", "carries a user's name or password"),
        ("http://good.example\\@127.0.0.1/", "carries a user's name or password"),
        ("http:///nowhere", "names no host"),
        ("http://[::1", "malformed"),
        ("http://example.org:0/", "malformed"),
        ("http://example.org:99999/", "malformed"),
        ("http://exa mple.org/", "names no host"),
        ("http://" + "a" * 300 + ".org/", "too long"),
        ("http://example.org/" + "a" * 3000, "more than 2,000 characters"),
        ("file://elsewhere/etc/passwd", "it is a file of another machine"),
    ],
)
def test_what_is_no_address_is_refused(pattern: str, address: str, reason: str) -> None:
    [found] = asyncio.run(make_fetcher(pattern).fetch([address]))
    assert isinstance(found, SourceRefusal)
    assert reason in found.reason
