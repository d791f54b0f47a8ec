"""Web pages as sources: redirects counted, robots.txt respected, hosts not crowded, private networks left alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from systems.research.sources import robots, text
from systems.research.sources.addresses import WebAddress, joined
from systems.research.sources.documents import CannotRead, Document
from systems.research.sources.exchanging import Exchanges, WebAnswer
from systems.research.sources.robots import RobotRules, read_rules
from systems.research.sources.wire import Wire

_REDIRECTS = (301, 302, 303, 307, 308)


class Pages:
    """Reads the pages of one call: the connections and the rules of a host serve all of its pages.

    ``private_hosts`` are those that a person named although they are in a private network. A page may lead to one of
    them only from another of them: else whoever writes a public page could have this machine ask for anything there.
    """

    def __init__(self, *, most_bytes: int, most_redirects: int, private_hosts: Iterable[str]) -> None:
        self._most_bytes, self._most_redirects = most_bytes, most_redirects
        self._private = frozenset(private_hosts)
        self._exchanges = Exchanges()
        self._rules: dict[tuple[str, bool], RobotRules | str] = {}

    def close(self) -> None:
        """Drop the connections."""
        self._exchanges.close()

    async def read(self, source: str, address: WebAddress, wire: Wire) -> Document:
        """Return what a page says, wherever it redirects to. Raises `CannotRead`."""
        here, trusted = address, True
        for _ in range(self._most_redirects + 1):
            async with wire.turn(here.host):
                wire.begin()
                named = trusted and here.host in self._private
                answer = await self._ask(here, wire, named)
            there = _redirected(answer, here)
            if there is None:
                return await wire.compute(partial(self._document, source, answer), len(answer.body))
            trusted = trusted and (there.host == here.host or here.host in self._private)
            here = there
        raise CannotRead(f"it redirects more than {self._most_redirects} times")

    async def _ask(self, address: WebAddress, wire: Wire, named: bool) -> WebAnswer:
        rules = await self._rules_of(address, wire, named)
        if isinstance(rules, str):
            raise CannotRead(rules)
        if not rules.allow(address.target):
            raise CannotRead("its host's robots.txt asks robots to leave it alone")
        return await self._exchanges.get(wire, address, self._most_bytes, named=named)

    def _document(self, source: str, answer: WebAnswer) -> Document:
        if answer.status != 200:
            raise CannotRead(f"its host answered {answer.status}")
        return text.page(source, answer.body, answer.headers.get("content-type", ""))

    async def _rules_of(self, address: WebAddress, wire: Wire, named: bool) -> RobotRules | str:
        """Return a host's rules, which whoever comes first asks for, or why its pages may not be read."""
        whose = (address.origin, named)
        async with wire.alone(address.origin):
            if whose not in self._rules:
                # What stands if whoever asks is cut off: a host that is late with its rules may have some.
                self._rules[whose] = "its host's robots.txt did not come in time"
                try:
                    self._rules[whose] = await self._read_rules(address, wire, named)
                except CannotRead as error:
                    self._rules[whose] = str(error)
            return self._rules[whose]

    async def _read_rules(self, address: WebAddress, wire: Wire, named: bool) -> RobotRules:
        here, trusted = joined(address, "/robots.txt"), named
        for _ in range(self._most_redirects + 1):
            answer = await self._exchanges.get(wire, here, robots.MOST_BYTES, named=trusted, cut=True)
            there = _redirected(answer, here)
            if there is None:
                break
            trusted = trusted and there.host in self._private
            here = there
        else:
            return RobotRules()  # as the RFC has it: beyond the redirects there is none
        if answer.status == 200:
            return await wire.compute(lambda: read_rules(answer.body.decode("utf-8", "replace")), len(answer.body))
        if 500 <= answer.status < 600:
            raise CannotRead(f"its host's robots.txt cannot be read (it answered {answer.status})")
        return RobotRules()


def _redirected(answer: WebAnswer, here: WebAddress) -> WebAddress | None:
    """Return where an answer redirects to; None where it does not. Raises `CannotRead`."""
    location = answer.headers.get("location", "")
    return joined(here, location) if answer.status in _REDIRECTS and location else None
