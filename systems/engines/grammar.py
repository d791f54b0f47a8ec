"""Grammars, in llama.cpp's GBNF with the rule ``root``, of replies that must have a form: JSON of a schema, above all.

What llama.cpp does with a grammar takes as long as there are ways to go on at a place, and it ends the process rather
than refuse some: each rule here begins with characters of its own, or gives way to one that does; none may be empty
within a repetition, and white space has an end, since small models are fond of it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from systems.engines.forms.automaton import Machine, Pieces, machine, without
from systems.engines.forms.digits import between
from systems.engines.forms.foreign import of_grammar
from systems.engines.forms.gbnf import (
    BASIC,
    COLON,
    DIGITS,
    ESCAPED,
    FORMATS,
    REFUSED_FORMATS,
    SPACE,
    SPACES,
    as_json,
    characters,
    is_plain,
    literal,
    one_of,
    times,
)
from systems.engines.forms.json_schema import Alternative, Parts, SchemaReader, kinds_of, of_item, of_property, whole
from systems.engines.forms.keywords import KINDS
from systems.engines.forms.overlaps import Overlaps
from systems.engines.forms.patterns import of_pattern
from systems.errors import BadInput

# Bounds of a grammar: rules, their characters, and how often something is repeated by number.
_MOST_RULES, _MOST_CHARACTERS, _MOST_REPEATED = 5000, 400_000, 1000

# Texts among which a reply chooses; up to so many are tried side by side, more are told apart letter by letter.
_FEW = 8

_DECIMALS = 2  # of numbers between bounds, unless these have more

# What a text does not begin with that may be JSON otherwise, what is within it besides what is printed; what is between
# the items of a list.
_NO_BEGINNING, _BREAKS, _COMMA = ("{", *SPACES), "\\t\\n\\r", ' "," space '
_TO_ESCAPE = [(ord(letter), ord(letter)) for letter in ESCAPED]
_QUOTES = '"\\'  # what a string writes with an escape

_INTEGERS = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "uint64": (0, None)}


def of_schema(schema: Mapping[str, Any] | bool) -> str:
    """Return the grammar of JSON that ``schema`` allows; what it allows may be more.

    Properties come in the order in which they are declared, and others only where ``additionalProperties`` names them
    (or none is declared). Strings, lists and numbers are bounded where a grammar must be: 1000 characters or items
    where a larger bound is set, 15 digits. A part with an ``$id`` is a document of its own, within which its references
    are looked for. Raises `BadInput` for what is not supported, what is too large, and what no reply can fit.
    """
    rules = _Rules()
    rules.add_schema("root", whole(schema))
    return rules.text()


def of_any_object() -> str:
    """Return the grammar of a JSON object."""
    return of_schema({"type": "object"})


def either_text_or(schema: Mapping[str, Any] | bool) -> str:
    """Return the grammar of a text or JSON that ``schema`` allows, of which the first character tells which it is.

    The text is not empty, and neither its first character nor the first after white space is "{". Raises `BadInput`,
    as `of_schema`, and for a schema that allows anything but objects.
    """
    rules = _Rules()
    rules.add_schema("object-root", whole(schema), only=frozenset({"object"}))
    rules.add("text", f"[ \\n]{{0,8}} {characters(_NO_BEGINNING)} {characters('', more=_BREAKS)}*")
    rules.add("root", "text | object-root")
    return rules.text()


def of_gbnf(grammar: str) -> str:
    """Return ``grammar``, in GBNF too, which somebody else wrote, as one that llama.cpp follows safely.

    Raises `BadInput` for what cannot be read, for what is too large, for a rule that is within itself, and for what
    allows no text.
    """
    machine = of_grammar(grammar)
    if not machine.ways:
        raise BadInput("The grammar allows no text.")
    rules = []
    for state, (ways, end) in enumerate(zip(machine.ways, machine.ends, strict=True)):
        onward = " | ".join(f"{one_of(ranges)} s{to}" for ranges, to in ways)
        rules.append(f"s{state} ::= {f'({onward})?' if end and ways else onward or chr(34) * 2}")
    return "\n".join(["root ::= s0", *rules]) + "\n"


class _Rules:
    """The rules of a grammar, as they come to be needed. For one thread."""

    def __init__(self) -> None:
        self._reader = SchemaReader()
        self._overlaps = Overlaps(self._reader)
        self._within: set[str] = set()  # values within the one that is being defined
        self._rules: dict[str, str] = {"plain": characters(_QUOTES)}
        self._names: dict[Any, str] = {}
        self._waiting: deque[tuple[str, Parts]] = deque()
        self._characters = 0

    def text(self) -> str:
        """Return the grammar."""
        return "\n".join([SPACE, *(f"{name} ::= {rule}" for name, rule in self._rules.items())]) + "\n"

    def add(self, name: str, rule: str) -> str:
        """Add a rule and return its name. Raises `BadInput` if they become too many."""
        self._rules[name] = rule
        self._characters += len(name) + len(rule)
        if len(self._rules) > _MOST_RULES or self._characters > _MOST_CHARACTERS:
            raise BadInput("The schema is too large to hold a reply to it.")
        return name

    def add_schema(self, name: str, parts: Parts, only: frozenset[str] = frozenset(KINDS)) -> None:
        """Add the rule ``name`` of a value to which all of ``parts`` apply, and whatever that needs."""
        self._names[_key(parts)] = name
        self._define(name, parts, only)
        while self._waiting:
            self._define(*self._waiting.popleft())
        self._overlaps.check(name)

    def _define(self, name: str, parts: Parts, only: frozenset[str] = frozenset(KINDS)) -> None:
        found = self._reader.alternatives(parts)
        self._within = set()
        rules = {rule: one for one in found for rule in self._alternative(one, only) if rule}
        if not rules:
            raise BadInput("The schema has a place where no value fits.")
        self.add(name, " | ".join(rules))
        self._overlaps.note(name, {id(one): one for one in rules.values()}.values(), self._within)

    def _new(self, rule: str) -> str:
        """Return the name of ``rule``, which is added unless there is such a one."""
        if rule not in self._names:
            self._names[rule] = self.add(f"r{len(self._rules)}", rule)
        return self._names[rule]

    def _basic(self, name: str) -> str:
        if name not in self._rules:
            self.add(name, BASIC[name])
            for needed in re.findall("[a-z]+", BASIC[name]):
                if needed in BASIC:
                    self._basic(needed)
        return name

    def _value(self, parts: Parts) -> str:
        """Return the rule of a value to which all of ``parts`` apply. It is defined later: it may be within itself."""
        key = _key(parts)
        if key not in self._names:
            self._names[key] = name = f"v{len(self._names)}"
            self._waiting.append((name, parts))
        self._within.add(self._names[key])
        return self._names[key]

    def _alternative(self, one: Alternative, only: frozenset[str]) -> Iterable[str]:
        """Return the rules of the values that fit ``one``, of the kinds ``only``."""
        if one.values is not None:
            texts = _machine(one.patterns, 0, None) if one.patterns else None
            fitting = [value for value in one.values if kinds_of(value) & only and _fits(value, one, texts)]
            return [self._among(map(as_json, fitting))]
        if one == Alternative() and len(only) == len(KINDS):
            return [self._basic("value")]
        kinds = (one.kinds if one.kinds is not None else one.speaks_of()) & only
        makers = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._integer,
        }
        wanted = kinds - {"integer"} if "number" in kinds else kinds
        return [makers[kind](one) if kind in makers else self._basic(kind) for kind in KINDS if kind in wanted]

    def _among(self, texts: Iterable[str]) -> str:
        """Return the rule of one of ``texts``, letter by letter if they are many; nothing without any."""
        found = sorted(set(texts))
        if sum(map(len, found)) > _MOST_CHARACTERS // 4:
            raise BadInput("The schema's 'enum' is too large to hold a reply to it.")
        return self._new(self._branches(found)) if found else ""

    def _branches(self, texts: Sequence[str], begun: int = 0) -> str:
        if len(texts) <= _FEW:
            return " | ".join(literal(text[begun:]) for text in texts)
        found = []
        by_first: dict[str, list[str]] = {}
        for text in texts:
            by_first.setdefault(text[begun : begun + 1], []).append(text)
        for same in by_first.values():
            common = _common(same[0], same[-1])  # they are sorted
            rest = "" if len(same) == 1 else self._new(self._branches(same, common))
            found.append(f"{literal(same[0][begun:common])} {rest}".strip())
        return " | ".join(found)

    def _object(self, one: Alternative) -> str:
        names = dict.fromkeys((*one.properties, *one.required))
        if len(names) > _MOST_REPEATED:
            raise BadInput(f"The schema declares more than {_MOST_REPEATED} properties of one object.")
        possible = {name: parts for name in names if self._reader.alternatives(parts := of_property(one, name))}
        if not set(one.required) <= set(possible):
            return ""
        others = one.others if one.others is not None else None if names or one.declares else ()
        open_ended = others is not None and bool(self._reader.alternatives(others))
        if one.least_properties > len(one.required):
            raise BadInput("The schema's 'minProperties' is not supported beyond the properties that are required.")
        if one.most_properties is not None and (open_ended or one.most_properties < len(possible)):
            raise BadInput("The schema's 'maxProperties' is not supported, unless fewer are declared and no others.")
        if not possible and others == () and not one.required:
            return self._basic("object")
        # From the last property to the first: what may follow where none was said yet, and where one was.
        first, later = '"}"', 'space "}"'
        if open_ended:
            pair = self._new(f"{self._other_name(names)} {COLON} {self._value(others or ())}")
            later = self._new(f'("," space {pair})* space "}}"')
            first = self._new(f'"}}" | {pair} {later}')
        for name, parts in reversed(possible.items()):
            pair = self._new(f"{literal(as_json(name))} {COLON} {self._value(parts)}")
            said = f'"," space {pair} {later}'
            begun = f"{pair} {later}"
            needed = name in one.required
            first = self._new(begun if needed else f"{begun} | {first}")
            later = self._new(said if needed else f"{said} | {later}")
        return self._new(f'"{{" space {first}')

    def _other_name(self, names: Iterable[str]) -> str:
        """Return the rule of a name, with its quotes, that is none of ``names``. It is written without escapes."""
        if not names:
            return self._basic("string")
        tree: dict[str, Any] = {}
        for name in names:
            at = tree
            for letter in name:
                at = at.setdefault(letter, {})
            at[""] = {}
        rest = self._new('plain* "\\""')
        made: dict[int, str] = {}
        order, waiting = [], [tree]
        while waiting:
            at = waiting.pop()
            order.append(at)
            waiting += [deeper for letter, deeper in at.items() if letter]
        for at in reversed(order):
            letters = [letter for letter in at if letter]
            found = [f"{literal(letter)} {made[id(at[letter])]}" for letter in letters if is_plain(letter)]
            found.append(f"{characters([*_QUOTES, *letters])} {rest}")
            made[id(at)] = self._new(" | ".join([*found, *([] if "" in at else ['"\\""'])]))
        return f'"\\"" {made[id(tree)]}'

    def _array(self, one: Alternative) -> str:
        least, most = one.least_items, one.most_items
        if not one.first and not one.rest and not least and most is None:
            return self._basic("array")
        if max(least, len(one.first)) > _MOST_REPEATED:
            raise BadInput(f"The schema asks for more than {_MOST_REPEATED} items of one list.")
        if one.rest is None and one.first and least <= len(one.first):
            most = len(one.first) if most is None else min(most, len(one.first))
        fixed = [of_item(one, place) for place in range(len(one.first))][:most]
        for place, parts in enumerate(fixed):
            if not self._reader.alternatives(parts):
                fixed, most = fixed[:place], place
                break
        rest = one.rest or ()
        if (most is None or most > len(fixed)) and not self._reader.alternatives(rest):
            most = len(fixed)
        if most is not None and most < least:
            return ""
        if most is not None and most > len(fixed):
            most = max(least, len(fixed) + 1, min(most, _MOST_REPEATED))
        items = [self._value(parts) for parts in fixed]
        if most is None or most > len(items):
            item = self._value(rest)
            left = None if most is None else most - len(items)
            if items:
                items[-1] += f' ("," space {item}){times(max(0, least - len(items)), left)}'
            else:
                more = f'("," space {item}){times(max(0, least - 1), None if left is None else left - 1)}'
                some = self._new(f'{item} {more if left != 1 else ""} space "]"')
                return self._new(f'"[" space {some}' if least else f'"[" space ("]" | {some})')
        return self._new(f'"[" space {_COMMA.join(items)} space "]"' if items else '"[" space "]"')

    def _string(self, one: Alternative) -> str:
        least, most = one.least_length, one.most_length
        # What a format is beside a pattern, the pattern says.
        form = None if one.patterns else one.format
        bounded = least > 0 or most is not None
        if form in REFUSED_FORMATS or (form in FORMATS and bounded):
            beside = " beside a length" if form in FORMATS else ""
            raise BadInput(f"The schema's format {form!r}{beside} is not supported.")
        if form in FORMATS:
            return self._new(f'"\\"" {FORMATS[form]} "\\""')
        if not bounded and not one.patterns:
            return self._basic("string")
        if least > _MOST_REPEATED:
            raise BadInput(f"The schema's 'minLength' is {least}: more than {_MOST_REPEATED} is not supported.")
        bound = _MOST_REPEATED if most is not None and most > _MOST_REPEATED else most
        if bound is not None and bound < least:
            return ""
        if one.patterns:
            return self._of_machine(_machine(one.patterns, least, bound))
        self._basic("string")
        return self._new(f'"\\"" char{times(least, bound)} "\\""' if bound != 0 else '"\\"\\""')

    def _of_machine(self, machine: Machine) -> str:
        """Return the rule of a string, with its quotes, of what ``machine`` accepts; nothing if that is none."""
        if not machine.ways:
            return ""
        names = [f"m{len(self._rules)}-{state}" for state in range(len(machine.ways))]
        for name, ways, end in zip(names, machine.ways, machine.ends, strict=True):
            found = ['"\\""'] if end else []
            for ranges, to in ways:
                plain = without(ranges, _TO_ESCAPE)
                found += [f"{one_of(plain)} {names[to]}"] if plain else []
                found += [
                    f"{literal(written)} {names[to]}"
                    for letter, written in ESCAPED.items()
                    if any(low <= ord(letter) <= high for low, high in ranges)
                ]
            self.add(name, " | ".join(found))
        return self._new(f'"\\"" {names[0]}')

    def _integer(self, one: Alternative) -> str:
        low, high = _INTEGERS.get(one.format or "", (None, None))
        if not one.low and not one.high and low is None and high is None:
            return self._basic("integer")
        return self._ways(between(one.low, one.high, 0, DIGITS, low, high))

    def _number(self, one: Alternative) -> str:
        if not one.low and not one.high:
            return self._basic("number")
        ways = [*between(one.low, one.high, 0, DIGITS)]
        ends = [bound[0].as_tuple().exponent for bound in (one.low, one.high) if bound]
        decimals = max(_DECIMALS, *(-int(exponent) for exponent in ends))
        if decimals < DIGITS:
            ways += between(one.low, one.high, decimals, DIGITS)
        return self._ways(ways)

    def _ways(self, ways: Iterable[str]) -> str:
        found = " | ".join(ways)
        return self._new(found) if found else ""


def _machine(patterns: Iterable[str], least: int, most: int | None) -> Machine:
    pieces = Pieces("schema's 'pattern'")
    return machine([of_pattern(pattern, pieces) for pattern in patterns], least, most)


def _fits(value: Any, one: Alternative, texts: Machine | None) -> bool:
    """Return whether ``value``, of an ``enum``, is what the keywords beside it ask; a string, one of ``texts``.

    Raises `BadInput` where that is not known.
    """
    kinds = kinds_of(value)
    if one.kinds is not None and not kinds & one.kinds:
        return False
    if "string" in kinds and texts is not None and not texts.accepts(value):
        return False
    if "string" in kinds and not one.least_length <= len(value) <= (
        len(value) if one.most_length is None else one.most_length
    ):
        return False
    if "number" in kinds:
        exact = Decimal(str(value))
        low, high = one.low, one.high
        return not (low and (exact < low[0] or (low[1] and exact == low[0]))) and not (
            high and (exact > high[0] or (high[1] and exact == high[0]))
        )
    if kinds & {"object", "array"} and kinds & one.speaks_of() and one.speaks_of() != frozenset(KINDS):
        raise BadInput("The schema's 'enum' of objects or lists is not supported beside what else it says of them.")
    return True


def _key(parts: Parts) -> frozenset[int]:
    return frozenset(id(part.schema) for part in parts)


def _common(ours: str, theirs: str) -> int:
    length = min(len(ours), len(theirs))
    return next((place for place in range(length) if ours[place] != theirs[place]), length)
