"""The pages of the site: what each says, how long it waits, and what goes wrong with it, all in its address.

The server knows no plan: an address such as ``/page/3?seed=7&after=52&fault=reset`` states everything, and whoever has
the seed knows what the page says.
"""

from __future__ import annotations

import math
import random
from functools import cache
from typing import Literal, get_args
from urllib.parse import urlencode

import msgspec

Delays = Literal["equal", "heavy-tailed"]
"""How long pages wait: all as long, or by a lognormal law under which a few wait many times as long as most."""

Fault = Literal["silent", "reset", "status", "short", "endless"]
"""What goes wrong: no answer at all, a connection that breaks in the middle of the page, an error of the server, a page
that ends before its stated length, one that never ends."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

MOST_HOSTS = 50
"""How many hosts the site has: the loopback addresses 127.0.0.1, 127.0.0.2 and so on."""

LONGEST_MS = 800
"""What no delay exceeds, so that a page which answers at all does so within a deadline of a second."""

_SPREAD = 1.5  # of the lognormal law: half of the pages wait less than a third of the mean
_PARAGRAPHS = 96  # some 32 kilobytes of page, as much text as a long article has
_WORDS = (
    "river market season engine garden letter window bridge number paper winter method signal harbour machine station "
    "village teacher journey mineral evening library pattern copper measure valley orchard current surface village "
    "between against because without several another through already perhaps however during beyond toward carries "
    "follows reaches becomes remains appears gathers returns divides the a of and in to for with on by"
).split()


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A page that is to be fetched: how long it waits, in milliseconds, and what goes wrong with it, if anything."""

    number: int
    after_ms: int
    fault: Fault | None = None

    def url(self, host: str, port: int, seed: int) -> str:
        """Return its address at a host of the site."""
        asked = {"seed": seed, "after": self.after_ms, **({"fault": self.fault} if self.fault else {})}
        return f"http://{host}:{port}/page/{self.number}?{urlencode(asked)}"


def visits(seed: int, count: int, delays: Delays, mean_ms: int, failing: int) -> list[Visit]:
    """Return ``count`` pages that wait ``mean_ms`` on average; ``failing`` of them fail, each kind of fault in turn."""
    rng = random.Random(f"site {seed}")
    waits = [mean_ms] * count
    if delays == "heavy-tailed":
        waits = [min(LONGEST_MS, max(1, round(mean_ms * _lognormal(rng)))) for _ in range(count)]
    faults = dict(zip(rng.sample(range(count), failing), FAULTS * -(-failing // len(FAULTS)), strict=False))
    return [Visit(number=number, after_ms=wait, fault=faults.get(number)) for number, wait in enumerate(waits)]


def host_of(number: int, hosts: int) -> str:
    """Return the host of a page, where pages are dealt out to so many hosts."""
    return f"127.0.0.{1 + number % hosts}"


def sentence(seed: int, number: int) -> str:
    """Return what this page says and no other."""
    rng = random.Random(f"page {seed} {number}")
    name, place = (" ".join(rng.choices(_WORDS[:30], k=2)) for _ in range(2))
    value = rng.randrange(10**9)
    return f"Entry {number} of register {seed} records that the {name} near the {place} measured {value}."


def html(seed: int, number: int) -> bytes:
    """Return the page: a head with style and script, links, the sentence, and paragraphs that differ in their order."""
    paragraphs = _paragraphs()
    start = (seed + number) % len(paragraphs)
    turned = [*paragraphs[start:], *paragraphs[:start]]
    middle = len(turned) // 2
    told = f"<h2>The entry</h2><p>{sentence(seed, number)}</p>"
    return "".join((_head(number), *turned[:middle], told, *turned[middle:], "</article></body></html>")).encode()


def _lognormal(rng: random.Random) -> float:
    """Draw from a lognormal law with the mean 1."""
    return math.exp(rng.gauss(0.0, _SPREAD) - _SPREAD**2 / 2)


def _head(number: int) -> str:
    links = "".join(f'<li><a href="/page/{other}">Entry {other}</a></li>' for other in range(number, number + 20))
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Entry {number}</title>"
        "<style>p { margin: 1em } .told > b { color: red }</style><script>if (1 < 2) { window.seen = '<p>' }</script>"
        f"</head><body><nav><ul>{links}</ul></nav><article><h1>Entry {number}</h1>"
    )


@cache
def _paragraphs() -> list[str]:
    rng = random.Random("paragraphs")
    return [f'<p class="told">{_text(rng)}</p>\n' for _ in range(_PARAGRAPHS)]


def _text(rng: random.Random) -> str:
    """Return a sentence or three, with a link and an emphasised word as written pages have them."""
    words = rng.choices(_WORDS, k=rng.randrange(25, 65))
    words[3] = f'<a href="/page/{rng.randrange(100)}">{words[3]}</a>'
    words[7] = f"<em>{words[7]}</em> &amp;"
    return f"{' '.join(words).capitalize()}."
