"""The names that the paper's text asks for, and the numbers typed by hand that it should not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from systems.errors import BadInput

# The functions of layout.typ that take names. Names are literals: what the text needs is known before it is set.
_CALL = re.compile(r'\b(n|by|judged|when|fig|saying|titles-of|table-of|row|claims-of)\(\s*"([^"]*)"')
_COMMENT = re.compile(r"(?:^|(?<=\s))//[^\n]*", re.MULTILINE)
_MARK = re.compile(r'<[a-z0-9-]+>|@[a-z0-9-]+|#import "[^"]*"')
_DIGITS = re.compile(r"[^\s\[\](){},]*\d[^\s\[\](){},]*")
# Numbers in words are as good at being wrong; of how many systems or studies there are they may speak.
NUMBERS_IN_WORDS = re.compile(
    r"\b(?:twice|thrice|doubled?s?|tripled?s?|halved?s?|\w+fold|"
    r"(?:two|three|four|five|six|seven|eight|nine|ten|twenty|fifty|hundred) (?:times|percent|per cent))\b",
    re.IGNORECASE,
)


def wanted(text: str) -> dict[str, list[str]]:
    """Return the names that the text gives to each function, without repetition."""
    names: dict[str, dict[str, None]] = {}
    for function, name in _CALL.findall(blanked(_COMMENT, text)):
        names.setdefault(function, {})[name] = None
    return {function: list(given) for function, given in names.items()}


def refuse_typed(text: str, allowed: Mapping[str, str]) -> None:
    """Raise `BadInput` where ``text`` has a number typed by hand that is in no phrase of ``allowed``."""
    bare = text
    for pattern in (_COMMENT, _CALL, _MARK, *phrases(allowed)):
        bare = blanked(pattern, bare)
    typed = [
        f"line {number}: {hit.group()}"
        for number, line in enumerate(bare.splitlines(), start=1)
        for pattern in (_DIGITS, NUMBERS_IN_WORDS)
        for hit in pattern.finditer(line)
    ]
    if typed:
        raise BadInput(
            "The paper has numbers typed by hand; name them instead, or allow them, with the reason, in numbers.toml: "
            + "; ".join(typed)
        )


def phrases(allowed: Iterable[str]) -> Iterable[re.Pattern[str]]:
    """Return patterns for phrases, longest first, that match over ends of lines and not inside a longer number."""
    for phrase in sorted(allowed, key=len, reverse=True):
        words = r"[\s~]+".join(re.escape(word) for word in phrase.split())
        yield re.compile(rf"(?<![\w.,−-]){words}(?!\w|[.,]\d|\s?%|/)")


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """Return ``text`` with what matches replaced by blanks, so that lines keep their numbers."""
    return pattern.sub(lambda hit: re.sub(r"[^\n]", " ", hit.group()), text)
