"""What the gate looks at in a question: what a small change of wording changes, and what a vector hardly sees."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

import msgspec

from systems.memory.letters import plain
from systems.memory.stemming import stem
from systems.memory.stopwords import NAMES, WORDS
from systems.tiered.semantic import lexicon

_HAN = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"[0-9]+(?:[.,:/][0-9]+)*|[^\W\d_]+(?:'[^\W\d_]+)?(?:[0-9]+)?|[%$€£°+*=<>]")
_AFTER_NUMBER = re.compile(r"(?<=[0-9])(?=[^\W\d_])")
_SHORTENED = (
    ("can't", "can not"),
    ("won't", "will not"),
    ("n't", " not"),
    ("cannot", "can not"),
    ("'s", ""),
    ("'re", " are"),
    ("'d", " would"),
    ("'ll", " will"),
    ("'ve", " have"),
    ("'m", " am"),
)
_ZH_NUMBER = re.compile("[零〇一二两三四五六七八九十百千万亿]+(?!些|下|般|样|直|定|起|共|切|边)")
_ZH_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ZH_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_BE = frozenset("is are was were be been being get got".split())
_PREFIXES = ("un", "dis", "non", "in", "im", "ir", "il", "mis", "anti")

# The first that is found says what is asked for.
_KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in {
        "whether": r"^(?:please )?(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|may|might"
        r"|must)\b(?! you (?:please )?"
        r"(?:tell|explain|say|know|give|name|show|describe|help|happen)| i ask| anyone (?:tell|explain))"
            r"|\bwhether\b|\b(?:know|tell me|say|wonder) if\b",
        "while": r"\bhow long\b|\bhow much time\b|\bhow many (?:seconds|minutes|hours|days|weeks|months|years)\b"
        r"|\bduration\b|\btime (?:does|for|needed|required)\b|\b\w+ing time\b",
        "many": r"\bhow many\b|\b(?:number|count) of\b",
        "much": r"\bhow much\b|\bcost\b|\bprice\b|\bamount of\b|\bweighs?\b",
        "far": r"\bhow (?:far|tall|high|deep|wide|big|large|heavy|old|fast|hot|cold|strong|loud)\b",
        "often": r"\bhow (?:often|frequently)\b",
        "why": r"\bwhy\b|\breasons?\b|\bhow come\b|\bcauses?\b|\bwhat makes\b",
        "when": r"\bwhen\b|\b(?:what|which|in what|in which) (?:time|date|year|day|month|century)\b|\bthe (?:year"
        r"|date)\b",
        "where": r"\bwhere\b|\bin (?:what|which) (?:place|city|country|town|continent)\b|\blocation of\b|\blocated\b",
        "who": r"\bwho\b|\bwhom\b|\bwhose\b|\b(?:which|what) (?:person|man|woman|author|painter|scientist"
        r"|inventor|writer|composer)\b|\bby whom\b",
        "how": r"\bhow\b|\bways? (?:to|of)\b|\bsteps (?:to|for)\b|\bmethods? (?:to|of|for)\b|\bwhat (?:should"
        r"|must|can) (?:i|you|one) do to\b|\bprocedure\b",
        "why-zh": "为什么|为何|原因|理由|怎么会",
        "while-zh": "多久|多长时间|几分钟|几小时",
        "far-zh": "多远|多高|多大|多重|多长|多快|多深|高度|长度|距离|面积",
        "when-zh": "什么时候|何时|几点|哪年|哪一年|哪天|几月|什么时间|时间是",
        "where-zh": "哪里|哪儿|何处|什么地方|在哪|位于",
        "who-zh": "谁|哪位|什么人|哪个人|作者|发明者",
        "many-zh": "多少|几[个只条种次位块天年岁]",
        "how-zh": "怎么|怎样|如何|方法|步骤|办法|怎",
        "whether-zh": "[吗嘛]|([\u3400-\u9fff])[不没]\\1|是否|能否|可否|有没有",
    }.items()
)  # fmt: skip


class Wording(msgspec.Struct, frozen=True):
    """A question taken apart. ``terms`` are its words of substance in order; the rest is what must agree."""

    kind: str
    numbers: tuple[str, ...]
    units: tuple[str, ...]
    names: frozenset[str]
    negated: bool
    poles: frozenset[str]
    limits: frozenset[str]
    directed: bool
    passive: bool
    shows_names: bool
    terms: tuple[str, ...]
    words: frozenset[str]

    @classmethod
    def of(cls, question: str) -> Wording:
        """Take ``question`` apart."""
        text = plain(question).strip()
        return _chinese(text) if _HAN.search(text) else _latin(text, question)


def _kind(text: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "what").removesuffix("-zh")


def _latin(text: str, question: str) -> Wording:
    for short, whole in _SHORTENED:
        text = re.sub(re.escape(short) + r"\b", whole, text, flags=re.IGNORECASE)
    written = _WORD.findall(_AFTER_NUMBER.sub(" ", text))
    words = [word.lower() for word in written]
    directed = not lexicon.DIRECTIONS.isdisjoint(words)
    # Where something is turned into something, units are what it is said of.
    plain_words = [word for word in words if word not in lexicon.NUMBERS and (directed or word not in lexicon.UNITS)]
    names = frozenset(
        _same(word.lower())
        for place, word in enumerate(written)
        if word[0].isupper()
        and (word.lower() not in WORDS or word in NAMES)
        and (place or (len(word) > 1 and word.isupper()))
    )
    # All in capitals, or every word with one: no capital says anything.
    if question.isupper() or (len(written) > 3 and all(word[0].isupper() for word in written if word.isalpha())):
        names = frozenset()
    digits = [_number(word) for word in words if word[0].isdigit() or word in lexicon.NUMBERS]
    terms = [
        _same(lexicon.UNITS.get(word, word))
        for word in plain_words
        if (
            word not in WORDS
            and word not in lexicon.ASKING
            and not word[0].isdigit()
            and word.isalpha()
            and len(word) > 1
        )
        or (word[-1].isdigit() and word[0].isalpha())
    ]
    return Wording(
        kind=_kind(" ".join(word for word in words if word[0].isalnum())),
        numbers=tuple(sorted(digits)),
        units=_units(words),
        names=names,
        negated=sum(word in lexicon.NEGATIONS for word in words) % 2 == 1,
        poles=frozenset(pole for word in words for pole in _poles().get(word, ())),
        limits=frozenset(words) & lexicon.LIMITS,
        directed=directed,
        passive="by" in words and not _BE.isdisjoint(words),
        shows_names=True,
        terms=tuple(terms),
        words=frozenset(words),
    )


def _chinese(text: str) -> Wording:
    latin = [word.lower() for word in _WORD.findall(_HAN.sub(" ", text))]
    kind = _kind(text)
    digits = [_number(word) for word in latin if word[0].isdigit()]
    rest = re.sub(lexicon.WHETHER_ZH, " ", text)
    negations = sum(rest.count(character) for character in lexicon.NEGATIONS_ZH)
    rest = re.sub(lexicon.NEUTRAL_ZH, lambda found: _protected(found[0]), rest)
    poles, rest_poles = set(), rest
    for word in sorted(_poles_zh(), key=len, reverse=True):
        if word in rest_poles:
            poles.add(_poles_zh()[word])
            rest_poles = rest_poles.replace(word, " ")
    said = _bare(re.sub(lexicon.ASKING_ZH, " ", text))
    numerals = [str(_chinese_number(found)) for found in _ZH_NUMBER.findall(said)]
    for words in _same_zh():
        for word in words[1:]:
            said = said.replace(word, words[0])
    said = re.sub(lexicon.DIRECTIONS_ZH, " ", said)
    terms = [character for character in said if _HAN.match(character)]
    return Wording(
        kind=kind,
        numbers=tuple(sorted(digits + numerals)),
        units=(*_units_zh(rest), *_units(latin)),
        names=frozenset(word for word in latin if word[0].isalpha()),
        negated=negations % 2 == 1,
        poles=frozenset(poles),
        limits=frozenset(word for word in ("只", "都", "全部", "仅", "每") if word in text),
        directed=re.search(lexicon.DIRECTIONS_ZH, text) is not None,
        passive="被" in text or "输给" in text,
        shows_names=False,
        terms=(*terms, *(word for word in latin if word[0].isalpha())),
        words=frozenset(terms) | frozenset(latin),
    )


def _units(words: list[str]) -> tuple[str, ...]:
    """Return units with their numbers, and then the others in their order: what is turned into what."""
    with_number, alone = [], []
    for before, word in pairwise(["", *words]):
        if word in lexicon.UNITS and (before[:1].isdigit() or before in lexicon.NUMBERS):
            with_number.append(f"{_number(before)} {lexicon.UNITS[word]}")
        elif word in lexicon.UNITS or word in "+*=<>":
            alone.append(lexicon.UNITS.get(word, word))
    return (*sorted(with_number), *alone)


def _units_zh(text: str) -> tuple[str, ...]:
    with_number, alone = [], []
    for found in _unit_zh().finditer(text):
        if found["number"]:
            with_number.append(f"{found['number']} {lexicon.UNITS[found['unit']]}")
        elif len(found["unit"]) > 1:  # of one character it may be a part of any word
            alone.append(lexicon.UNITS[found["unit"]])
    return (*sorted(with_number), *alone)


@cache
def _unit_zh() -> re.Pattern[str]:
    units = sorted((unit for unit in lexicon.UNITS if _HAN.match(unit)), key=len, reverse=True)
    return re.compile(f"(?P<number>[0-9.]+|[零〇一二两三四五六七八九十百千万亿]+)? ?(?P<unit>{'|'.join(units)})")


def _protected(word: str) -> str:
    return " " * len(word)


def _bare(text: str) -> str:
    return "".join(character if _HAN.match(character) else " " for character in text)


def _number(word: str) -> str:
    return lexicon.NUMBERS.get(word, word.replace(",", "") if re.fullmatch("[0-9]{1,3}(?:,[0-9]{3})+", word) else word)


def _chinese_number(text: str) -> int:
    total = section = digit = 0
    for character in text:
        if character in _ZH_DIGITS:
            digit = digit * 10 + _ZH_DIGITS[character] if digit else _ZH_DIGITS[character]
        elif (power := _ZH_POWERS[character]) >= 10_000:
            total, section, digit = (total + section + digit) * power, 0, 0
        else:
            section, digit = section + (digit or 1) * power, 0
    return total + section + digit


def _same(word: str) -> str:
    return _groups().get(word) or _groups().get(stem(word)) or stem(word)


@cache
def _groups() -> dict[str, str]:
    groups: dict[str, str] = {}
    for words in lexicon.SAME.replace("\n", " ").split("|"):
        first, *others = words.split()
        for word in (first, *others):
            groups.setdefault(word, stem(first))
            groups.setdefault(stem(word), stem(first))
    return groups


@cache
def _same_zh() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(words.split()) for words in lexicon.SAME_ZH.replace("\n", " ").split("|"))


@cache
def _poles() -> dict[str, tuple[str, ...]]:
    poles: dict[str, tuple[str, ...]] = {}
    lines = re.sub(r"\n\|", "|", lexicon.OPPOSITES).strip().split("\n")
    for number, line in enumerate(lines):
        for side, words in enumerate(line.split("|")):
            for word in words.split(","):
                # "To" and "from" alone say little; a direction is seen by the order of what stands around it.
                if word not in (
                    "from",
                    "to",
                    "can",
                    "may",
                    "like",
                    "right",
                    "all",
                    "any",
                    "some",
                    "every",
                    "up",
                    "down",
                ):
                    poles[word] = (*poles.get(word, ()), f"{number}{'+-'[side]}")
    return poles


@cache
def _poles_zh() -> dict[str, str]:
    return {
        word: f"{number}{'+-'[side]}"
        for number, line in enumerate(lexicon.OPPOSITES_ZH.strip().split("\n"))
        for side, words in enumerate(line.split("|"))
        for word in words.split()
    }


def opposed(words: Iterable[str], others: frozenset[str]) -> bool:
    """Return whether one of ``words`` stands among ``others`` with a syllable before it that turns it round."""
    return any(prefix + word in others for word in words if len(word) > 3 for prefix in _PREFIXES)
