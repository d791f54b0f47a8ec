"""The reader's tokens: single characters, and whole words of the workload's language and of the systems' prompt.

Whole words are "user-defined" tokens, which llama.cpp cuts out of a text first, the longest before the others; names
and values are left to single characters, and what is no known character to bytes. So a name or value never seen is made
of tokens that were. One token stands for the system prompt: the reader was trained for nothing else.

What only the wider wordings need comes last, so that a reader that does not know them can be trained on with the tokens
it has (`experiments.reader.train`).
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from experiments.reader.wordings import WIDER
from experiments.workloads.remembering.chinese import CHINESE
from experiments.workloads.remembering.english import ENGLISH
from experiments.workloads.remembering.values import CHARACTERS_ZH
from experiments.workloads.remembering.words import Words
from systems.engines.interface import Message
from systems.interface import Observed
from systems.models.tokenizer import SPACE, Vocabulary
from systems.turn.layouts import LAYOUTS
from systems.turn.prompt import build

CONTROL = ("<unk>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>")
UNKNOWN_ID, BOS_ID, END_ID = range(3)
BYTES_END = len(CONTROL) + 256

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] }}{% if message['role'] == 'assistant' %}</s>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

_PUNCTUATION = string.punctuation + "，。！？；：、“”‘’（）《》【】—…·"
_MOODS = ("neutral", "happy", "sad", "angry", "worried")

# Token types as the GGUF format numbers them.
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6


def rendered(message: Message) -> str:
    """Return what `CHAT_TEMPLATE` makes of one message."""
    return f"<|{message.role}|>{message.content}" + ("</s>" if message.role == "assistant" else "")


def vocabulary() -> Vocabulary:
    """Return the pieces with the score and the GGUF type of each; always the same."""
    words = dict.fromkeys([*_prompt_parts(), *_english_words(ENGLISH), *_chinese_words(CHINESE)])
    characters = dict.fromkeys([SPACE, *string.ascii_letters, *string.digits, *_PUNCTUATION])
    characters |= dict.fromkeys([*_characters(CHINESE), *CHARACTERS_ZH])
    more = [word for word in (*_english_words(WIDER["en"]), *_chinese_words(WIDER["zh"])) if word not in words]
    more_characters = [letter for letter in dict.fromkeys(_characters(WIDER["zh"])) if letter not in characters]
    pieces = [*CONTROL, *(f"<0x{byte:02X}>" for byte in range(256)), *characters, *words, *more, *more_characters]
    types = [_UNKNOWN, *(_CONTROL for _ in CONTROL[1:]), *(_BYTE for _ in range(256)), *(_NORMAL for _ in characters)]
    types += [_USER_DEFINED] * (len(words) + len(more)) + [_NORMAL] * len(more_characters)
    return Vocabulary(pieces=pieces, scores=[0.0] * len(pieces), types=types)


def _prompt_parts() -> Iterator[str]:
    """Yield what never changes in the messages of a turn, and the moods."""
    yield LAYOUTS["bracketed"].system_prompt
    around = build("bracketed", [], ["MEMORY"], Observed("CLOCK", "MACHINE", "MOOD"), "TEXT")[-1].content
    yield from re.split("CLOCK|MACHINE|MOOD|MEMORY|TEXT", around)[:-1]
    yield build("bracketed", [], [], Observed("", "", "MOOD"), "")[-1].content.split("MOOD")[1]
    yield "\n- "
    yield from ("processor ", " %, memory ", " % of ", " GiB, disk ", " %")
    yield from _MOODS


def _english_words(spoken: Words) -> Iterator[str]:
    """Yield words: those in lower case with the space before them, those that begin a sentence without one."""
    said = re.sub(r"\{\w*\}", " ", _said(spoken))
    first = set(re.findall(r"^([A-Za-z]{3,})", said, re.MULTILINE))
    for word in sorted(set(re.findall(r"\b[a-z]{2,}", said)) | first):
        if word[0].islower():
            yield " " + word
        if word in first:
            yield word[0].upper() + word[1:]
    yield "'s"


def _chinese_words(spoken: Words) -> Iterator[str]:
    """Yield words of two characters and more, as jieba's dictionary cuts what is said."""
    import jieba

    said = re.sub(r"\{\w*\}", "\n", _said(spoken))
    words = jieba.Tokenizer().cut(said, HMM=False)
    yield from sorted({word for word in words if re.fullmatch(r"[\u4e00-\u9fff]{2,}", word)})


def _characters(spoken: Words) -> list[str]:
    return re.findall(r"[\u4e00-\u9fff]", _said(spoken))


def _said(words: Words) -> str:
    """Return all phrasings of a language as one text, forms of verbs apart."""
    cores = [
        core
        for attribute in words.attributes.values()
        for core in (*attribute.state, *attribute.change, *attribute.deny, *attribute.ask)
    ]
    replies = (words.noted, words.chatted, words.unknown)
    text = "\n".join([*cores, *words.telling, *words.asking, *words.small_talk, *replies, *words.oneself, words.owner])
    return re.sub(r"[\[\]|]", " ", text)
