"""Grammars in llama.cpp's GBNF that somebody else wrote: read, and come to a machine that can be followed safely.

llama.cpp itself ends the process for some grammars (parentheses within each other by the thousand, rules that begin
with themselves by way of what may be empty), and follows readings without number for others. So none of them reaches
it. What a machine of finitely many states cannot say, rules within themselves, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from systems.engines.forms.automaton import Machine, Node, Pieces, Ranges, joined, machine, without
from systems.engines.forms.patterns import EVERY
from systems.errors import BadInput

_LONGEST, _DEEPEST = 65_536, 50

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+|\#[^\r\n]*)|(?P<line>[\r\n]+)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<class>\[(?:[^\]\\]|\\.)*\])"""
    r"""|(?P<times>\{[ ]*\d{1,6}[ ]*(?:,[ ]*(?:\d{1,6})?[ ]*)?\}|[*+?])|(?P<is>::=)|(?P<name>[a-zA-Z0-9-]+)"""
    r"""|(?P<mark>[().|])""",
    re.DOTALL,
)
_LETTER = re.compile(
    r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|\\([trn\\\"\[\]])|([^\\])",
    re.DOTALL,
)
_SHORT = {"t": "\t", "r": "\r", "n": "\n"}


_Tokens = list[tuple[str, str]]
"""What a rule is made of, by kind and text."""


def of_grammar(grammar: str) -> Machine:
    """Return the machine of the texts that ``grammar`` allows. Raises `BadInput`."""
    if len(grammar) > _LONGEST:
        raise BadInput(f"The grammar is longer than {_LONGEST} characters.")
    rules = _rules(grammar)
    if "root" not in rules:
        raise BadInput("The grammar has no rule named root.")
    reader = _Reader(rules)
    first = reader.pieces.node()
    return machine([(first, reader.rule("root", first, ()))], 0, None)


def _rules(grammar: str) -> Mapping[str, _Tokens]:
    """Return the rules by name. A rule goes on to the end of its line, and beyond within parentheses or after "|"."""
    found: dict[str, _Tokens] = {}
    here: _Tokens | None = None
    tokens = _tokens(grammar)
    open_, place = 0, 0
    while place < len(tokens):
        kind, text = tokens[place]
        place += 1
        if kind == "name" and place < len(tokens) and tokens[place][0] == "is" and not open_:
            here = found[text] = []  # llama.cpp too takes the last of a name
            place += 1
        elif kind == "line":
            continues = open_ or here is None or not here or here[-1] == ("mark", "|")
            if not continues and place < len(tokens) and tokens[place][0] != "line":
                here = None
        elif here is None or kind == "is":
            raise BadInput(f"The grammar has {text[:40]!r} where a rule, name ::=, is to begin.")
        else:
            open_ += {"(": 1, ")": -1}.get(text, 0) if kind == "mark" else 0
            if not 0 <= open_ <= _DEEPEST:
                raise BadInput(f"The grammar's parentheses do not match, or lie more than {_DEEPEST} deep.")
            here.append((kind, text))
    if open_:
        raise BadInput("The grammar's parentheses do not match.")
    return found


def _tokens(grammar: str) -> _Tokens:
    found, place = [], 0
    while place < len(grammar):
        match = _TOKEN.match(grammar, place)
        if match is None or match.lastgroup is None:
            raise BadInput(f"The grammar cannot be read at {grammar[place : place + 40]!r}.")
        if match.lastgroup != "space":
            found.append((match.lastgroup, match[0]))
        place = match.end()
    return found


class _Reader:
    """Makes nodes of rules; one that refers to another has a copy of it."""

    def __init__(self, rules: Mapping[str, _Tokens]) -> None:
        self._rules = rules
        self.pieces = Pieces("grammar")

    def rule(self, name: str, here: Node, within: tuple[str, ...]) -> Node:
        """Add the rule ``name`` after ``here``, and return where it ends."""
        if name not in self._rules:
            raise BadInput(f"The grammar has no rule named {name[:40]}.")
        if name in within or len(within) > _DEEPEST:
            raise BadInput(
                f"The grammar's rule {name[:40]} is within itself, or more than {_DEEPEST} rules deep: that is not "
                "supported. JSON can be asked for by its schema."
            )
        end, _ = self._either(self._rules[name], 0, here, (*within, name))
        return end

    def _either(self, tokens: _Tokens, place: int, here: Node, within: tuple[str, ...]) -> tuple[Node, int]:
        """Add alternatives up to the end, or to a closing parenthesis; return where they end, and the place after."""
        after = self.pieces.node()
        at = self._begin(here)
        while place < len(tokens) and tokens[place] != ("mark", ")"):
            if tokens[place] == ("mark", "|"):
                at.free.append(after)
                at, place = self._begin(here), place + 1
                continue
            begun = place
            end, place = self._item(tokens, place, self._begin(at), within)
            if place < len(tokens) and tokens[place][0] == "times":
                end = self._times(tokens, begun, tokens[place][1], at, within)
                place += 1
                if place < len(tokens) and tokens[place][0] == "times":
                    raise BadInput("The grammar repeats a repetition: put parentheses around it.")
            at = end
        at.free.append(after)
        return after, place

    def _item(self, tokens: _Tokens, place: int, here: Node, within: tuple[str, ...]) -> tuple[Node, int]:
        kind, text = tokens[place]
        if kind == "name":
            return self.rule(text, here, within), place + 1
        if kind == "text":
            for letter in _letters(text[1:-1]):
                here = self._on(here, ((letter, letter),))
            return here, place + 1
        if kind == "class":
            return self._on(here, _class(text[1:-1])), place + 1
        if (kind, text) == ("mark", "."):
            return self._on(here, EVERY), place + 1
        if (kind, text) == ("mark", "("):
            end, place = self._either(tokens, place + 1, here, within)
            return end, place + 1
        raise BadInput(f"The grammar has {text[:40]!r} where nothing is to be repeated.")

    def _times(self, tokens: _Tokens, begun: int, times: str, here: Node, within: tuple[str, ...]) -> Node:
        """Add the item that begins at ``begun`` as often as ``times`` says, and return where that ends."""
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(times) or _numbers(times)
        for _ in range(least):
            here, _ = self._item(tokens, begun, self._begin(here), within)
        if most is None:
            again = self._begin(here)
            end, _ = self._item(tokens, begun, self._begin(again), within)
            end.free.append(again)
            return again
        after = self.pieces.node()
        for _ in range(most - least):
            here.free.append(after)
            here, _ = self._item(tokens, begun, self._begin(here), within)
        here.free.append(after)
        return after

    def _begin(self, here: Node) -> Node:
        node = self.pieces.node()
        here.free.append(node)
        return node

    def _on(self, here: Node, ranges: Ranges) -> Node:
        after = self.pieces.node()
        here.on.append((without(ranges, without(((0, 0x10FFFF),), EVERY)), after))
        return after


def _numbers(times: str) -> tuple[int, int | None]:
    least, comma, most = times[1:-1].replace(" ", "").partition(",")
    return int(least), (int(most) if most else None) if comma else int(least)


def _letters(text: str) -> list[int]:
    found, place = [], 0
    while place < len(text):
        match = _LETTER.match(text, place)
        if match is None:
            raise BadInput(f"The grammar has the escape {text[place : place + 10]!r}, which is none of its own.")
        two, four, eight, short, plain = match.groups()
        number = two or four or eight
        found.append(int(number, 16) if number else ord(_SHORT.get(short, short) if short else plain))
        place = match.end()
    return found


def _class(text: str) -> Ranges:
    """Return the characters of a class, of which the brackets are taken away."""
    negated = text.startswith("^")
    ranges, place = [], int(negated)
    while place < len(text):
        low = _LETTER.match(text, place)
        if low is None:
            raise BadInput(f"The grammar has the escape {text[place : place + 10]!r}, which is none of its own.")
        place = low.end()
        first = last = _letters(low[0])[0]
        if text[place : place + 1] == "-" and place + 1 < len(text):
            high = _LETTER.match(text, place + 1)
            if high is None:
                raise BadInput(f"The grammar has the escape {text[place : place + 10]!r}, which is none of its own.")
            last, place = _letters(high[0])[0], high.end()
        ranges.append((first, last))
    found = joined((low, high) for low, high in ranges if low <= high)
    return without(EVERY, found) if negated else found
