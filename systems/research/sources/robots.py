"""What a host asks of robots: its robots.txt, read as RFC 9309 says.

The rules of the groups that name this robot count, else those for all (``*``). Of the rules that match a page the
longest decides, and of two as long the one that allows. In a rule ``*`` stands for anything, and ``$`` for the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

NAME = "fourgig"
"""What this robot is called in a robots.txt."""

MOST_BYTES = 500 << 10
"""How much of a robots.txt is read: as much as the RFC asks for at least."""


class RobotRules:
    """The rules for this robot on one host; without any, everything is allowed."""

    def __init__(self, rules: Iterable[tuple[bool, str]] = ()) -> None:
        # Longest first, and of two as long the one that allows: the first that matches decides.
        self._rules = sorted(rules, key=lambda rule: (-len(rule[1]), not rule[0]))

    def allow(self, target: str) -> bool:
        """Return whether a page of this host may be read."""
        asked = unquote(target)
        return next((allowed for allowed, pattern in self._rules if _matches(pattern, asked)), True)


def read_rules(text: str) -> RobotRules:
    """Return the rules for this robot in a robots.txt. What is no rule is passed over."""
    groups: dict[str, list[tuple[bool, str]]] = {}
    mine: set[str] = set()  # of the agents that the group is for: a hostile one may name thousands
    beginning = False  # whether the lines before named agents: then one more belongs to the same group
    for line in text.lstrip("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if colon and key == "user-agent":
            agent = value.partition("/")[0].strip().lower()
            mine = (mine if beginning else set()) | ({agent} & {NAME, "*"})
            beginning = True
            for each in mine:
                groups.setdefault(each, [])
        elif colon and key in ("allow", "disallow"):
            beginning = False
            for each in mine if value else ():
                groups[each].append((key == "allow", unquote(value)))
    return RobotRules(groups.get(NAME, groups.get("*", [])))


def _matches(pattern: str, target: str) -> bool:
    """Return whether ``target`` begins as ``pattern`` says. Time is linear: each piece is sought after the last."""
    ends = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    at = len(first)
    last = pieces.pop() if ends and pieces else None
    for piece in pieces:
        at = target.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    if last is not None:
        return len(target) - len(last) >= at and target.endswith(last)
    return not ends or at == len(target)
