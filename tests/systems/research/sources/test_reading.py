"""Text in pages and files, rules in robots.txt, and names of sources: small things that a hostile page can twist."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from systems.research.sources import text
from systems.research.sources.addresses import joined, web_address
from systems.research.sources.documents import CannotRead
from systems.research.sources.markup import read_page
from systems.research.sources.naming import place_of
from systems.research.sources.robots import read_rules

PAGES = {
    "<title>A &amp; B</title><h1>Head</h1><p>One <b>bold</b> word.</p>": ("A & B", "Head\n\nOne bold word."),
    "<p>a<br>b<li>c<td>d<td>e": ("", "a\nb\nc d e"),
    "x<script>if (a < b) { '</p>' }</script >y<style>p {}</style>z": ("", "xyz"),
    "x<script>never closed": ("", "x"),
    "a<!-- <p>no</p> -->b<!-->c<!doctype html>d<?php e ?>f": ("", "abcdf"),
    "a<!-- never closed": ("", "a"),
    "a<a href=\"x > y\" title='<b>'>b</a>": ("", "ab"),
    'a<p class="never closed>b</p>c': ("", "a\n\nb\n\nc"),
    "1 < 2 and 3 <4> 5": ("", "1 < 2 and 3 <4> 5"),
    "a<p": ("", "a"),
    "a &lt;b&gt; &#x4f60;&nosuch; &#0;": ("", "a <b> 你&nosuch; \ufffd"),
    f"a &#{'0' * 5_000}98; &#{'9' * 5_000};c &#x{'f' * 5_000};": ("", "a b \ufffdc \ufffd"),
    f"<title>&#{'1' * 5_000}</title>a": ("\ufffd", "a"),
    "<pre>  one\n two</pre> three\n four": ("", "one\ntwo\n\nthree four"),
    "<svg><title>no</title><text>no</text></svg>yes<svg/>and<template>no</template>": ("", "yesand"),
    "<TITLE>\n Spaced  out </TITLE><TEXTAREA>kept</TEXTAREA>": ("Spaced out", "kept"),
    "</p></svg></div>a": ("", "a"),
    "<title>one</title><title>two</title>a": ("one", "a"),
}


@pytest.mark.parametrize("html", PAGES)
def test_a_page_reads_as_a_person_sees_it(html: str) -> None:
    assert read_page(html) == PAGES[html]


HOSTILE = [
    *("<a ", '<a ="', "<a ='\"", "<!--", "<!", "<", "</", "<a b=", "<script>", "<title>", "&", "&#", "<svg>", "<pre>"),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_no_faster_than_a_hostile_page(piece: str) -> None:
    def took(times: int) -> float:
        began = time.process_time()
        with suppress(CannotRead):
            read_page(piece * times)
        return time.process_time() - began

    # Twenty times as much: what is quadratic takes four hundred times as long.
    assert took(20 * 4_000) < 100 * max(took(4_000), 0.002)


@pytest.mark.parametrize("line", ["#{} x" + "y" * 400, "# x{}y", "#{}", "# {}"])
def test_time_grows_no_faster_than_a_hostile_heading(line: str) -> None:
    def took(times: int) -> float:
        body = "\n".join([line.format(" #" * times), line.format(" " * times), "words"]).encode()
        began = time.process_time()
        text.page("a", body, "text/markdown")
        return time.process_time() - began

    assert took(20 * 200) < 100 * max(took(200), 0.002)


@given(some.text(alphabet="<>/!-=\"' abp&;#x\n", max_size=60))
def test_any_page_is_read(html: str) -> None:
    title, found = read_page(html)
    assert found == found.strip()
    assert "\n" not in title


def test_a_tree_of_any_depth_is_read() -> None:
    assert read_page("<div>" * 40_000 + "deep" + "</div>" * 40_000)[1] == "deep"


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html", b"<meta charset='windows-1252'>\x93hi\x94", "“hi”"),
        ("text/html; charset=ISO-8859-1", b"\x93hi\x94", "“hi”"),
        ("text/plain", "\ufeffmark".encode(), "mark"),
        ("text/plain", "mark".encode("utf-16"), "mark"),
        ("text/plain; charset=utf-8", "utf-16 in truth".encode("utf-16"), "utf-16 in truth"),
        ("", b"<p>a page</p>", "a page"),
        ("", b"just text\r\nof lines ", "just text\nof lines"),
        ('TEXT/HTML;Charset="UTF-8"', "<p>é".encode(), "é"),
        ("application/xhtml+xml", "<p>é".encode(), "é"),
        ("text/markdown; charset=Shift_JIS", "# 題".encode("shift_jis"), "# 題"),
    ],
)
def test_bytes_become_text_as_they_say(content_type: str, body: bytes, expected: str) -> None:
    assert text.page("a", body, content_type).text == expected


@pytest.mark.parametrize("charset", ["rot13", "idna", "punycode", "zlib", "unicode_escape", "utf-7", "x" * 99, "\0"])
def test_an_encoding_that_no_page_is_in_is_refused(charset: str) -> None:
    with pytest.raises(CannotRead, match="none of the web's"):
        text.page("a", b"<p>a", f"text/html; charset={charset}")


def test_the_title_is_the_page_s_or_the_first_heading_or_the_name() -> None:
    assert text.page("http://a/", b"<p>a", "text/html").title == "http://a/"
    assert text.page("http://a/", b"no\n\n# Head #\n## Next", "text/markdown").title == "Head"
    assert text.page("http://a/", b"# Head", "text/plain").title == "http://a/"
    assert text.page("http://a/", b"# #\n#no\n##\tHead, C #\n", "text/markdown").title == "Head, C"
    assert len(text.page("a", b"<title>" + b"x" * 9_999 + b"</title>b", "text/html").title) == 300


@pytest.mark.parametrize(
    ("rules", "target", "allowed"),
    [
        ("", "/", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/c", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*?print=", "/x?print=1", False),
        ("User-agent: *\nDisallow: /*.php$", "/x.php?a", True),
        ("User-agent: *\nDisallow: /*.php$", "/x.php", False),
        ("User-agent: *\nDisallow: /x$", "/x", False),
        ("User-agent: *\nDisallow: /x$", "/xy", True),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/caf%c3%a9", False),
        ("User-agent: *\nDisallow: # nothing", "/", True),
        ("user-agent: other\nUSER-AGENT: Fourgig\nDisallow: /", "/", False),
        ("User-agent: other\nDisallow: /", "/", True),
        ("User-agent: fourgig\nDisallow: /a\n\nUser-agent: fourgig\nDisallow: /b", "/b", False),
        ("User-agent: fourgig\nAllow: /\n\nUser-agent: *\nDisallow: /", "/b", True),
        ("Disallow: /", "/", True),
        ("User-agent: *\nCrawl-delay: 9\nDisallow: /a", "/a", False),
    ],
)
def test_rules_for_robots_are_read_as_the_standard_says(rules: str, target: str, allowed: bool) -> None:
    assert read_rules(rules).allow(target) is allowed


@pytest.mark.parametrize(
    "rules",
    [
        "User-agent: *\nDisallow: /" + "*a" * 200_000 + "$",
        "User-agent: a\n" * 40_000 + "Disallow: /x\n" * 40_000,
        "User-agent: *\n" + "Disallow: /x*y*z$\n" * 30_000,
    ],
    ids=["stars", "agents", "rules"],
)
def test_hostile_rules_take_little_time(rules: str) -> None:
    began = time.process_time()
    read_rules(rules).allow("/" + "xa" * 1_000)
    assert time.process_time() - began < 5


def test_addresses_are_written_in_one_way() -> None:
    address = web_address(" HTTP://ExAmple.org.:80/a b?c=d e#f ")
    assert address.url == "http://example.org/a%20b?c=d%20e"
    assert web_address("https://[2001:DB8:0::1]:8443").url == "https://[2001:db8::1]:8443/"
    assert web_address("http://bücher.example/ü").url == "http://xn--bcher-kva.example/%C3%BC"
    assert joined(address, "../x?y").url == "http://example.org/x?y"
    assert joined(address, "//other.example/z").url == "http://other.example/z"


def test_what_a_source_names() -> None:
    assert place_of("notes") == Path("notes")
    assert place_of("file:///tmp/a%20b.txt") == Path("/tmp/a b.txt")
    assert place_of("HTTPS://example.org") == web_address("https://example.org/")
    for source in ("javascript://x", "data://a", "", "a\0b"):
        with pytest.raises(CannotRead):
            place_of(source)
