"""Pieces of llama.cpp's GBNF: literals and classes of characters, JSON's own rules, and those of well-known formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from systems.engines.forms.automaton import Ranges, without
from systems.errors import BadInput

DIGITS = 15
"""The digits of a number: more are not exact in what most programs read them into."""

# What is printed, but for letters that only look like white space; and what of it a JSON string has without escape.
PRINTED = ((0x20, 0x7E), (0xA0, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
SPACES = tuple(map(chr, (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF)))

# No more of it than this, where it may be.
SPACE = 'space ::= (" " | "\\n" " "{0,20})?'
COLON = '":" " "?'
_HEX = "[0-9a-fA-F]"
BASIC = {
    "char": (f'plain | "\\\\" (["\\\\/bfnrt] | "u" ([0-9a-cefA-CEF] {_HEX} {_HEX} {_HEX} | [dD] [0-7] {_HEX} {_HEX}))'),
    "string": r'"\"" char* "\""',
    "integer": f'"-"? ("0" | [1-9] [0-9]{{0,{DIGITS - 1}}})',
    "number": f'integer ("." [0-9]{{1,{DIGITS}}})? ([eE] [-+]? [0-9]{{1,2}})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "array": '"[" space ("]" | value ("," space value)* space "]")',
    "object": r'"{" space ("}" | string ":" " "? value ("," space string ":" " "? value)* space "}")',
    "value": "object | array | string | number | boolean | null",
}
_DATE = (
    '([12] [0-9]{3} "-" (("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])'
    ' | ("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8]))'
    ' | [12] [0-9] ("0" [48] | [2468] [048] | [13579] [26]) "-02-29")'
)
_TIME = (
    '([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})?'
    ' ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])'
)
_BYTE = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9])'
_LABEL = "[a-z0-9] ([-]? [a-z0-9]){0,30}"
_HOST = f'{_LABEL} ("." {_LABEL}){{1,4}}'
FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f'{_DATE} "T" {_TIME}',
    "uuid": f'{_HEX}{{8}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{12}}',
    "ipv4": f'{_BYTE} "." {_BYTE} "." {_BYTE} "." {_BYTE}',
    "ipv6": f'{_HEX}{{1,4}} (":" {_HEX}{{1,4}}){{7}}',
    "hostname": _HOST,
    "email": f'[a-zA-Z0-9] ([-._+]? [a-zA-Z0-9]){{0,30}} "@" {_HOST}',
    "uri": f'("https://" | "http://") {_HOST} ("/" [-a-zA-Z0-9._~]{{0,60}}){{0,8}}',
}
REFUSED_FORMATS = (
    *("duration", "regex", "json-pointer", "relative-json-pointer", "uri-template", "uri-reference", "iri"),
    *("iri-reference", "idn-email", "idn-hostname"),
)


ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
"""How a JSON string writes characters that it has not as they are."""


def as_json(value: Any) -> str:
    """Return ``value`` as JSON. Raises `BadInput`."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:  # half a character is one of them
        raise BadInput("The schema has a value that cannot be written as JSON.") from error
    return text


def literal(text: str) -> str:
    """Return what stands for ``text`` and nothing else."""
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() or ord(letter) > 0xFFFF else f"\\u{ord(letter):04X}"


def is_plain(letter: str) -> bool:
    """Return whether a JSON string may have ``letter`` as it is."""
    return letter not in '"\\' and any(low <= ord(letter) <= high for low, high in PRINTED)


def characters(less: Iterable[str], more: str = "") -> str:
    """Return the class of what is printed but ``less``, and ``more``, which is written as such a class has it."""
    return one_of(without(PRINTED, ((ord(letter), ord(letter)) for letter in less)), more)


def one_of(ranges: Ranges, more: str = "") -> str:
    """Return the class of the characters of ``ranges``, and ``more``."""
    return "[" + more + "".join(f"\\U{low:08X}-\\U{high:08X}" for low, high in ranges) + "]"


def times(least: int, most: int | None) -> str:
    """Return how often what is before it is repeated."""
    return f"{{{least},{'' if most is None else most}}}"
