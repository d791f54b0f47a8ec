"""Whether an answer is the right one, by rule and without a judge: exactly, or said in a model's own words.

The trained reader is graded exactly (`is_exact`, `is_refusal`). A model that speaks freely is graded by what its reply
contains (`says`, `named`) and by a list of ways to refuse (`declines`). docs/remembering.md says what these overlook.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from experiments.grading.wording import Word, plain, words
from experiments.workloads.remembering.language import WORDS

_MONTHS = frozenset("january february march april may june july august september october november december".split())
_ARTICLES = frozenset(("a", "an", "the"))

_NEGATIONS: tuple[tuple[str, ...], ...] = (
    ("not",), ("never",), ("cannot",), ("neither",), ("nor",), ("no", "longer"), ("used", "to"), ("formerly",),
    ("previously",), ("instead", "of"), ("rather", "than"), ("不",), ("没",), ("以", "前"), ("曾",),
)  # fmt: skip
"""Whatever its own statement says after one of these is not said to be so."""

_AFFIRMED = frozenset(("forget", "doubt", "only"))
"""After these the negation before them denies nothing: "never forget that", "not only"."""

_LEFT = (("moved", "from"), ("went", "from"), ("changed", "from"), ("switched", "from"))
"""What comes after one of these, up to "to", is so no longer."""

_KNOWLEDGE = (
    "(?:information|records?|memory|memories|details?|knowledge|notes?|data|mentions?|access|answer|context|"
    "experiences?|(?:idea|clue)(?! how)|way (?:to|of) (?:know|tell|say)(?:ing)?)"
)
_NOT = "(?:don't|do not|dont|doesn't|does not|didn't|did not|haven't|have not|hasn't|has not|never)"
_CANNOT = "(?:can't|cannot|can not|couldn't|could not|unable to|not able to)"
_PASSED_ON = r"(?:known|told|mentioned|given|provided|specified|stated)\b(?! (?:an?|any|some|enough)\b)"
_REFUSALS = (
    rf"\b(?:i|we)(?: \w+)? {_NOT} (?:\w+ )?(?:know|recall|remember)\b",
    r"^(?:sorry,? )?(?:don't|do not|dont) know\b",
    r"^no, i (?:don't|do not|can't|cannot)\b",
    r"\b(?:i'm|i am|we're|we are)(?: \w+)? (?:not (?:\w+ )?(?:sure|certain|aware)|unsure|uncertain|unaware)\b",
    rf"\b{_CANNOT} (?:\w+ )?"
    r"(?:answer|tell|say|recall|remember|find|know|provide|determine|access|help|assist|respond|give|confirm|identify)\b"
    r"(?! (?:you )?(?:how|enough)\b)",
    rf"(?<!\byou )(?:don't|do not|dont|doesn't|does not) (?:\w+ )?have (?:\w+ ){{0,4}}{_KNOWLEDGE}\b",
    rf"\b(?:have|has|is|are|was|were|there's) no (?:\w+ ){{0,2}}{_KNOWLEDGE}\b",
    rf"\b(?:you|notes?|conversations?|context|information|messages?|it|they|which|that)(?: \w+)? {_NOT} (?:\w+ )?"
    r"(?:tell|told|mention(?:ed)?|say|said|give|given|specify|specified|state|stated|provided?|contain|include|hold)\b",
    rf"\b(?:is|was|are|were|been) (?:not|never) (?:\w+ )?{_PASSED_ON}",
    rf"\b(?:isn't|wasn't|aren't|weren't) (?:\w+ )?{_PASSED_ON}",
    r"\b(?:i|we) (?:was|were) (?:not|never) (?:given|told|provided)\b",
    r"\bnot something (?:that )?(?:i|we|you)\b",
    r"\b(?:is|are|remains?) unknown\b",
    r"^unknown\b",
    r"(?<!你)(?:不(?:太|大|很|能|敢)?(?:确定|知道|清楚|了解)|不记得|记不得|记不清|想不起)",
    r"(?:无法|不能|没法)(?:回答|确定|得知|提供|知道|告诉|确认|判断|找到|回忆)",
    r"(?:没有|没|无)\w{0,12}(?:信息|记录|资料|记忆|数据)",
    r"(?:没有|没|从未|未)\w{0,3}(?:告诉|说过|提到|提过|提及|告知|提供)",
)
"""The ways to refuse, in English and Chinese, in small letters and with straight apostrophes."""

_REFUSES = re.compile("|".join(f"(?:{each})" for each in _REFUSALS), re.MULTILINE)


def normalised(text: str) -> str:
    """Return ``text`` without case, punctuation, width of characters and superfluous spaces."""
    same = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter for letter in same if not unicodedata.category(letter).startswith("P")).split())


def is_exact(answer: str, right: str) -> bool:
    """Return whether ``answer`` says what ``right`` says."""
    return normalised(answer) == normalised(right)


def is_refusal(answer: str) -> bool:
    """Return whether ``answer`` says, in either language, that it is not known."""
    return any(is_exact(answer, words.unknown) for words in WORDS.values())


def says(reply: str, value: str, others: Iterable[str] = ()) -> bool:
    """Return whether ``reply`` says ``value`` and none of ``others``, the other values of the same attribute.

    A value is said where it stands in whole words, in any case, with numbers in digits or in words, a day before or
    after its month; but not where its own statement negates it before: "not Utrecht but Delft" says Delft alone. Of two
    values that begin at the same word the longer is said: "New York" says no York, nor does "York" say New York.
    """
    wanted = _spellings(value)[0]
    return bool(wanted) and {_spellings(each)[0] for each in named(reply, [value, *others])} == {wanted}


def named(reply: str, values: Iterable[str]) -> list[str]:
    """Return which of ``values`` the ``reply`` says, in the sense of `says`."""
    spelt = {value: _spellings(value) for value in dict.fromkeys(values)}
    known = {spelling: spellings[0] for spellings in spelt.values() for spelling in spellings if spelling}
    longest = max(map(len, known), default=0)
    found = words(reply)
    texts = [word.text for word in found]
    said = set()
    at = 0
    while at < len(found):
        length = next((n for n in range(longest, 0, -1) if tuple(texts[at : at + n]) in known), 0)
        if length and not _is_negated(found[: at + 1]):
            said.add(known[tuple(texts[at : at + length])])
        at += length or 1
    return [value for value, spellings in spelt.items() if spellings[0] in said]


def declines(reply: str) -> bool:
    """Return whether ``reply`` refuses to answer, by a list of phrasings in English and Chinese.

    It may go on to answer all the same: `named` tells whether it does.
    """
    lines = (" ".join(line.split()) for line in plain(reply).splitlines())
    return _REFUSES.search("\n".join(lines)) is not None


def _spellings(value: str) -> list[tuple[str, ...]]:
    """Return the ways in which ``value`` may stand in a text, in words; a value without words has an empty one."""
    texts = tuple(word.text for word in words(value))
    if texts[:1] and texts[0] in _ARTICLES:
        texts = texts[1:]
    if len(texts) == 2 and texts[0].isdigit() and texts[1] in _MONTHS:
        day, month = texts
        return [texts, (month, day), (day, "of", month), (month, "the", day)]
    if texts[1:2] == ("月",) and texts[3:] == ("日",):
        return [texts, (*texts[:3], "号")]
    return [texts]


def _is_negated(found: Sequence[Word]) -> bool:
    """Return whether the last of ``found`` is negated before, within the statement it stands in."""
    start = max(at for at, word in enumerate(found) if word.begins)
    before = tuple(word.text for word in found[start:-1])
    negated = [end for negation in _NEGATIONS for end in _ends(before, negation)]
    left = [end for leaving in _LEFT for end in _ends(before, leaving)]
    return any(not _AFFIRMED.intersection(before[end : end + 1]) for end in negated) or (
        bool(left) and "to" not in before[max(left) :]
    )


def _ends(texts: tuple[str, ...], phrase: tuple[str, ...]) -> list[int]:
    """Return the places right after each ``phrase`` in ``texts``."""
    last = len(texts) - len(phrase)
    return [at + len(phrase) for at in range(last + 1) if texts[at : at + len(phrase)] == phrase]
