"""A vocabulary made without any download, for llama.cpp's SentencePiece ("llama") tokenizer with byte fallback.

The pieces are control tokens, 256 bytes, single characters, then common English words (english.txt) and frequent
Chinese words (jieba's dictionary). Every prefix of a piece is a piece, and a piece's score is its length. The
tokenizer merges the best-scored neighbours first and breaks ties to the left, so these two rules make it cut a text
into the longest piece that matches, from left to right. What no piece covers becomes bytes.

The one character that does not survive is U+2581, which the tokenizer itself uses for a space.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from systems.errors import ModelError

SPACE = "\u2581"
CONTROL = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
UNKNOWN_ID, BOS_ID, EOS_ID, _, TURN_END_ID = range(5)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# Token types as the GGUF format numbers them.
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6

_PUNCTUATION = string.punctuation + "，。！？；：、“”‘’（）《》【】—…·"
# Endings that turn a listed word into its other forms.
_ENDINGS = (
    "s",
    "es",
    "ed",
    "er",
    "ers",
    "est",
    "ing",
    "ings",
    "ly",
    "ion",
    "ions",
    "ation",
    "ness",
    "ment",
    "able",
    "ful",
)
# A line of jieba's dictionary: a word, how often it was seen, and what kind of word it is.
_ENTRY = re.compile(r"^([\u4e00-\u9fff]{1,6}) (\d+) ", re.MULTILINE)
# English is about a third of what the workloads say, and far fewer pieces suffice for it.
_ENGLISH_SHARE = 0.3
_CHARACTER_SHARE = 0.3
_MOST_CHARACTERS = 6000


class Vocabulary(msgspec.Struct, frozen=True):
    """Pieces by token number, with the score and the GGUF type of each."""

    pieces: list[str]
    scores: list[float]
    types: list[int]


def build(size: int) -> Vocabulary:
    """Return a vocabulary of exactly ``size`` pieces; the same for the same size. Raises `ModelError`."""
    fixed = [*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256))]
    dictionary = _chinese_words()
    pieces: dict[str, None] = {}
    budget = size - len(fixed)

    _add(pieces, [SPACE, *string.ascii_letters, *string.digits, *_PUNCTUATION], budget)
    _add(pieces, (SPACE * count for count in range(2, 9)), budget)
    _add(pieces, _characters(dictionary, min(_MOST_CHARACTERS, int(size * _CHARACTER_SHARE))), budget)
    _add(pieces, _english(), min(budget, len(pieces) + int(size * _ENGLISH_SHARE)))
    _add(pieces, (word for word, _ in dictionary), budget)
    if len(pieces) != budget:
        raise ModelError(f"A vocabulary of {size} pieces cannot be made: only {len(fixed) + len(pieces)} are known.")

    return Vocabulary(
        pieces=[*fixed, *pieces],
        scores=[*(0.0 for _ in fixed), *(float(len(piece)) for piece in pieces)],
        types=[_UNKNOWN, *(_CONTROL for _ in CONTROL[1:]), *(_BYTE for _ in range(256)), *(_NORMAL for _ in pieces)],
    )


def _add(pieces: dict[str, None], words: Iterable[str], most: int) -> None:
    """Add each word after its prefixes, so that the set stays closed wherever ``most`` cuts it."""
    for word in words:
        for end in range(1, len(word) + 1):
            if len(pieces) >= most:
                return
            pieces.setdefault(word[:end])


def _english() -> Iterator[str]:
    yield from _ENDINGS
    words = dict.fromkeys(Path(__file__).with_name("english.txt").read_text(encoding="utf-8").split())
    for word in words:
        yield SPACE + word
        yield word
    for word in words:
        yield SPACE + word.capitalize()
        yield word.capitalize()


def _chinese_words() -> list[tuple[str, int]]:
    """Return jieba's words with how often each was seen, most frequent first."""
    jieba = find_spec("jieba")  # found, not imported: only its data file is wanted
    if jieba is None or not jieba.submodule_search_locations:
        raise ModelError("The jieba package, whose dictionary gives the Chinese words, is not installed.")
    dictionary = (Path(jieba.submodule_search_locations[0]) / "dict.txt").read_text(encoding="utf-8")
    words = [(-int(count), word) for word, count in _ENTRY.findall(dictionary)]
    words.sort()
    return [(word, -count) for count, word in words]


def _characters(dictionary: list[tuple[str, int]], most: int) -> list[str]:
    counts: Counter[str] = Counter()
    for word, count in dictionary:
        for letter in word:
            counts[letter] += count
    return [letter for letter, _ in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:most]]
