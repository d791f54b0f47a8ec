"""Pages of a server that misbehaves in every way: what can be read is, what cannot is refused with the reason."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import Any

import pytest

from systems.errors import UnknownName
from systems.research.fetching import PATTERNS, make_fetcher
from systems.research.sources import markup
from systems.research.sources.documents import Document, Found, SourceRefusal
from tests.systems.research.fetching.hostile import HTML, PAGE, Hostile, redirect, said, silent, whole

MOST_BYTES = 400_000


def read(pattern: str, sources: list[str], **limits: Any) -> list[Found]:
    named: dict[str, Any] = {"private_hosts": frozenset({"127.0.0.1"}), "max_bytes": MOST_BYTES}
    fetcher = make_fetcher(pattern, **named | limits)
    return asyncio.run(fetcher.fetch(sources))


def why(found: Found) -> str:
    assert isinstance(found, SourceRefusal), found
    return found.reason


READ = ["/good", "/packed", "/chunked", "/until-closed", "/old", "/continue", "/moved", "/closes", "/chatty"]
REFUSED = {
    "/missing": "its host answered 404",
    "/failing": "its host answered 500",
    "/endless-error": "its host answered 404",
    "/round": "it redirects more than 5 times",
    "/to-file": "it redirects to a file address",
    "/to-script": "it redirects to a javascript address",
    "/nowhere": "malformed address",
    "/endless": "it holds more than 400,000 bytes",
    "/endless-chunks": "it holds more than 400,000 bytes",
    "/endless-hints": "it holds more than 400,000 bytes",
    "/endless-head": "does not speak HTTP as it should",
    "/huge-line": "does not speak HTTP as it should",
    "/says-huge": "it holds more than 400,000 bytes",
    "/bomb": "it holds more than 400,000 bytes",
    "/double-bomb": "it says it is text and is an archive",
    "/broken-gzip": "its gzip data is broken",
    "/cut-gzip": "its gzip data is cut off",
    "/more-gzip": "something follows its gzip data",
    "/brotli": "it is packed as 'br', which was not asked for",
    "/short": "without sending complete message body",
    "/half-chunk": "incomplete chunked read",
    "/reset": "its connection broke",
    "/slammed": "its host closed it before an answer came",
    "/no-http": "does not speak HTTP as it should",
    "/two-lengths": "conflicting Content-Length",
    "/bad-chunk": "illegal chunk header",
    "/switch": "does not speak HTTP as it should",
    "/image": "it is image/png, and only text, Markdown and HTML are read",
    "/image-as-html": "it says it is text and is an image",
    "/binary-as-text": "it says it is text and is binary",
    "/not-utf8": "it says it is utf-8 and is not",
    "/odd-charset": "its charset, 'rot13', is none of the web's",
    "/empty": "it holds no text",
    "/all-tags": "it has more than 100,000 tags",
}
LATE = ["/silent", "/dripping", "/dripping-head"]


@pytest.mark.parametrize("path", READ)
def test_what_can_be_read_is(pattern: str, site: Hostile, path: str) -> None:
    address = site.url + path
    assert read(pattern, [address]) == [Document(address, "A page", "All is well here.")]


def test_what_cannot_be_read_is_refused_with_the_reason_and_stops_nothing(pattern: str, site: Hostile) -> None:
    paths = [path for refused in REFUSED for path in (refused, "/good")]
    found = read(pattern, [site.url + path for path in paths])
    assert [each.source for each in found] == [site.url + path for path in paths]
    for path, each in zip(paths, found, strict=True):
        if path == "/good":
            assert isinstance(each, Document)
        else:
            assert REFUSED[path] in why(each), path
    assert site.quiet.wait(10)


def test_a_page_that_breaks_the_reading_in_a_way_nobody_foresaw_stops_nothing(
    pattern: str, site: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_ever = markup.read_page

    def read_page(text: str) -> tuple[str, str]:
        monkeypatch.setattr("systems.research.sources.markup.read_page", as_ever)
        raise RecursionError("a page like no other")

    monkeypatch.setattr("systems.research.sources.markup.read_page", read_page)
    broken, good = read(pattern, [site.url + "/good", site.url + "/chunked"], at_once=1)
    assert why(broken) == "reading it failed (RecursionError: a page like no other)"
    assert isinstance(good, Document)


@pytest.mark.parametrize("path", LATE)
def test_what_is_late_is_refused_at_its_deadline(pattern: str, site: Hostile, path: str) -> None:
    late, good = read(pattern, [site.url + path, site.url + "/good"], deadline_s=0.3)
    assert why(late) == "it took longer than 0.3 s"
    assert isinstance(good, Document)
    assert site.quiet.wait(10)


def test_what_has_no_turn_in_the_whole_time_is_refused(pattern: str, site: Hostile) -> None:
    found = read(pattern, [site.url + "/silent"] * 3, total_deadline_s=0.3, per_host=1)
    assert [why(each) for each in found] == ["the 0.3 s for all sources had passed"] * 3
    assert site.quiet.wait(10)


def test_the_text_is_decoded_as_it_says_or_as_it_is(pattern: str, site: Hostile) -> None:
    found = read(pattern, [site.url + "/gbk", site.url + "/utf8-as-latin"])
    assert [each.text for each in found if isinstance(each, Document)] == ["你好，世界", "Grüße"]


def test_one_connection_serves_pages_that_follow_each_other(site: Hostile) -> None:
    found = read("sequential", [site.url + "/good?1", site.url + "/missing", site.url + "/good?2"])
    assert [type(each) for each in found] == [Document, SourceRefusal, Document]
    assert site.connections == 1
    assert site.asked == ["/robots.txt", "/good?1", "/missing", "/good?2"]
    assert site.agents == {"fourgig/0.1 (research agent)"}


def test_a_connection_that_was_closed_meanwhile_is_made_anew(pattern: str, site: Hostile) -> None:
    async def once(server: Hostile, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as if to keep the connection, and close it."""
        writer.write(whole(PAGE))
        await writer.drain()
        writer.close()

    site.more["/once"] = once
    found = read(pattern, [site.url + "/once", site.url + "/once"], per_host=1)
    assert [type(each) for each in found] == [Document, Document]


@pytest.mark.parametrize("pattern", ["threads", "tasks"])
@pytest.mark.parametrize("per_host", [1, 3])
def test_a_host_is_asked_for_so_many_pages_at_once_and_no_more(pattern: str, site: Hostile, per_host: int) -> None:
    async def go() -> list[Found]:
        fetcher = make_fetcher(pattern, per_host=per_host, private_hosts=frozenset({"127.0.0.1"}))
        fetching = asyncio.create_task(fetcher.fetch([f"{site.url}/held?{number}" for number in range(6)]))
        for _ in range(per_host):
            await asyncio.to_thread(site.waiting.acquire)
        site.go.set()
        return await fetching

    found = asyncio.run(go())
    assert all(isinstance(each, Document) for each in found)
    assert site.most_held == per_host


@pytest.mark.parametrize("pattern", ["threads", "tasks"])
def test_no_more_are_under_way_than_all_hosts_together_may_have(pattern: str, site: Hostile) -> None:
    found = read(pattern, [f"{site.url}/good?{number}" for number in range(12)], per_host=8, at_once=2)
    assert all(isinstance(each, Document) for each in found)
    assert site.most_held <= 2


@pytest.mark.parametrize("pattern", ["threads", "tasks"])
def test_the_event_loop_goes_on_meanwhile(pattern: str, site: Hostile) -> None:
    async def go() -> list[Found]:
        fetcher = make_fetcher(pattern, private_hosts=frozenset({"127.0.0.1"}))
        fetching = asyncio.create_task(fetcher.fetch([site.url + "/held"]))
        await asyncio.to_thread(site.waiting.acquire)
        site.go.set()  # here the loop runs, while the page waits for this very line
        return await fetching

    assert isinstance(asyncio.run(go())[0], Document)


@pytest.mark.parametrize("pattern", ["threads", "tasks"])
def test_a_cancelled_fetch_leaves_no_connection(pattern: str, site: Hostile) -> None:
    async def go() -> None:
        fetcher = make_fetcher(pattern, private_hosts=frozenset({"127.0.0.1"}))
        fetching = asyncio.create_task(fetcher.fetch([f"{site.url}/held?{number}" for number in range(9)]))
        await asyncio.to_thread(site.waiting.acquire)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

    asyncio.run(go())
    site.go.set()
    assert site.quiet.wait(10)


def test_each_is_told_as_it_comes_and_returned_in_the_order_asked(pattern: str, site: Hostile) -> None:
    told: list[Found] = []
    sources = [site.url + path for path in ("/good", "/missing", "/packed")]
    fetcher = make_fetcher(pattern, private_hosts=frozenset({"127.0.0.1"}))
    found = asyncio.run(fetcher.fetch(sources, told.append))
    assert [each.source for each in found] == sources
    assert sorted(told, key=lambda each: sources.index(each.source)) == found


def test_an_error_of_whoever_is_told_is_not_swallowed(pattern: str, site: Hostile) -> None:
    def tell(_: Found) -> None:
        raise LookupError("mine")

    fetcher = make_fetcher(pattern, private_hosts=frozenset({"127.0.0.1"}))
    with pytest.raises(LookupError, match="mine"):
        asyncio.run(fetcher.fetch([site.url + "/good"], tell))
    assert site.quiet.wait(10)


@pytest.mark.parametrize(
    "path",
    ["/bomb", "/endless", pytest.param("/endless-chunks", marks=pytest.mark.long), "/huge-line", "/endless-head"],
)
def test_a_hostile_page_takes_little_memory(pattern: str, site: Hostile, path: str) -> None:
    most = MOST_BYTES // 4 if path == "/endless-chunks" else MOST_BYTES  # byte by byte, and each of them is traced
    read(pattern, [site.url + "/good"])
    tracemalloc.start()
    try:
        read(pattern, [site.url + path], max_bytes=most)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * most  # the server sends from this process, and its pieces are counted too


def test_nobody_listens_there(pattern: str) -> None:
    with Hostile() as site:
        address = site.url
    assert "cannot be reached" in why(read(pattern, [address])[0])


ROBOTS = {
    b"User-agent: *\nDisallow: /good": False,
    b"User-agent: *\nDisallow: /\nAllow: /good$": True,
    b"User-agent: fourgig\nDisallow:\n\nUser-agent: *\nDisallow: /": True,
    b"User-agent: FourGig/9\nDisallow: /go*d\n": False,
    b"<html>no rules</html>": True,
}


@pytest.mark.parametrize("rules", ROBOTS)
def test_robots_txt_is_respected(pattern: str, rules: bytes) -> None:
    with Hostile(robots=rules) as site:
        [found] = read(pattern, [site.url + "/good"])
        if ROBOTS[rules]:
            assert isinstance(found, Document)
        else:
            assert why(found) == "its host's robots.txt asks robots to leave it alone"
            assert site.asked == ["/robots.txt"]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (said(whole(b"", status=b"503 Busy")), "its host's robots.txt cannot be read (it answered 503)"),
        (silent, "it took longer than 0.3 s"),
        (said(b"what?\r\n\r\n"), "does not speak HTTP as it should"),
        (redirect(b"http://localhost:1/robots.txt"), "not in the public network"),
    ],
)
def test_where_the_rules_cannot_be_read_nothing_is(pattern: str, behave: Any, reason: str) -> None:
    with Hostile(robots=behave) as site:
        first, second = read(pattern, [site.url + "/good?1", site.url + "/good?2"], deadline_s=0.3, per_host=1)
        assert reason in why(first)
        assert reason in why(second) or why(second) == "its host's robots.txt did not come in time"
        assert site.asked == ["/robots.txt"]
        assert site.quiet.wait(10)


def test_rules_that_redirect_for_ever_are_none_and_those_that_are_too_long_are_cut(pattern: str) -> None:
    with Hostile(robots=redirect(b"/robots.txt")) as site:
        assert isinstance(read(pattern, [site.url + "/good"])[0], Document)
    long = b"User-agent: *\nDisallow: /good?1\n" + b"Allow: /x\n" * 60_000 + b"Disallow: /good?2\n"
    with Hostile(robots=long) as site:
        first, second = read(pattern, [site.url + "/good?1", site.url + "/good?2"])
        assert isinstance(first, SourceRefusal)
        assert isinstance(second, Document)
    with Hostile(robots=said(whole(gzip.compress(long), HTML + b"Content-Encoding: gzip\r\n"))) as site:
        first, second = read(pattern, [site.url + "/good?1", site.url + "/good?2"])
        assert why(first) == "its host's robots.txt asks robots to leave it alone"
        assert isinstance(second, Document)


def test_an_unknown_pattern_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean threads"):
        make_fetcher("thread")
    assert PATTERNS == ("sequential", "threads", "tasks")
