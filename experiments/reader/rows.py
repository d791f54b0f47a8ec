"""Cases as rows of tokens, cut by llama.cpp itself, so that training and use cannot differ."""

from __future__ import annotations

import tempfile
from bisect import bisect_left, bisect_right
from itertools import accumulate
from pathlib import Path

import msgspec

from experiments.reader import gguf_file
from experiments.reader.cases import Case, Truth
from experiments.reader.vocabulary import CHAT_TEMPLATE, rendered, vocabulary
from systems.engines.llama_text import LlamaText
from systems.models.shapes import Shape
from systems.models.tokenizer import SPACE

_READ = 0.1
"""The weight of a question's own words: to foresee a name that was read before is practice in looking it up."""

NOWHERE = 1
"""The place looked at for what is nowhere in the prompt: that of the system prompt."""


class Row(msgspec.Struct, frozen=True):
    """Tokens of a prompt and of questions that might end it; the weight each token is learned with.

    ``questions`` numbers the question that a token belongs to, 0 being the prompt that they share, and ``places`` says
    how far from the beginning it stands when only that question is asked. ``answers`` is as ``questions``, but only
    where a token belongs to the answer. ``truths`` says of every answer, in order, what it answers.

    ``looked_up`` is, at a token before one of an answer, the place in the row where the answer stands in the prompt (or
    what denies it; `NOWHERE` if nothing does), and 0 elsewhere. ``persons`` numbers the tokens that name whom a line or
    a question is about, and ``about`` those that follow them there.
    """

    tokens: list[int]
    weights: list[float]
    questions: list[int]
    answers: list[int]
    places: list[int]
    looked_up: list[int]
    persons: list[int]
    about: list[int]
    truths: list[Truth]


class Rows:
    """Makes rows with ``text``, the reader's tokenizer and template."""

    def __init__(self, shape: Shape) -> None:
        from systems.models.llama_library import llama_cpp

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vocabulary.gguf"
            gguf_file.write(path, shape, {}, {})
            parameters = llama_cpp.llama_model_default_params()
            parameters.vocab_only = True
            self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
            template = {"tokenizer.chat_template": CHAT_TEMPLATE}
            self._bytes = [
                1 if piece.startswith("<0x") else len(piece.replace(SPACE, " ").encode())
                for piece in vocabulary().pieces
            ]
            self.text = LlamaText(llama_cpp.llama_model_get_vocab(self._model), template, path)

    def row(self, found: Case) -> Row:
        """Return the row of ``found``: what all questions share is there once, and none is to see another."""
        row = Row([], [], [], [], [], [], [], [], [])
        shared = "".join(rendered(message) for message in found.messages).removesuffix(found.asked.text)
        self._add(row, shared, 0.0)
        text = _Text(shared, self._sizes(row.tokens))
        for number, fact in enumerate(found.facts, 1):
            line = shared.index(fact.text)
            person = text.tokens(line + fact.person.start, line + fact.person.end)
            _number(row, number, person, text.tokens(line + fact.person.end, line + len(fact.text)))
        for number, asked in enumerate((found.asked, *found.more), 1):
            begun = len(row.tokens)
            self._add(row, asked.text, _READ, number)
            row.weights[begun] = 0.0  # what stands before it in the row is not what comes before it
            self._add(row, "<|assistant|>", 0.0, number)
            replied = len(row.tokens)
            self._add(row, asked.answer + "</s>", 1.0, number, answer=True)
            row.truths.append(asked.truth)
            if asked.person:
                question = _Text(asked.text, self._sizes(row.tokens[begun : replied - 1]), begun)
                person = question.tokens(asked.person.start, asked.person.end)
                _number(row, len(found.facts) + number, person, range(person.stop, len(row.tokens)))
            if asked.decided_by:
                line = shared.index(asked.decided_by.text)
                value = text.tokens(line + asked.decided_by.value.start, line + asked.decided_by.value.end)
                if asked.truth == "denied":
                    row.looked_up[replied - 1] = value.start
                elif row.tokens[value.start : value.stop] == row.tokens[replied:-1]:  # else it is cut in another way
                    row.looked_up[replied - 1 : replied - 1 + len(value)] = value
            elif asked.truth != "told":
                row.looked_up[replied - 1] = NOWHERE
        return row

    def _add(self, row: Row, text: str, weight: float, question: int = 0, answer: bool = False) -> None:
        more = self.text.tokens(text, special=True)
        first = row.places[-1] + 1 if row.questions and row.questions[-1] == question else row.questions.count(0)
        row.tokens.extend(more)
        row.weights.extend([weight] * len(more))
        row.questions.extend([question] * len(more))
        row.answers.extend([question if answer else 0] * len(more))
        row.places.extend(range(first, first + len(more)))
        for part in (row.looked_up, row.persons, row.about):
            part.extend([0] * len(more))

    def _sizes(self, tokens: list[int]) -> list[int]:
        return [self._bytes[token] for token in tokens]


class _Text:
    """A text with its tokens, the first of which is number ``first`` of a row."""

    def __init__(self, text: str, sizes: list[int], first: int = 0) -> None:
        self._text, self._first = text, first
        self._ends = list(accumulate(sizes))  # in bytes

    def tokens(self, start: int, end: int) -> range:
        """Return the tokens with the characters from ``start`` to before ``end``."""
        first, last = (len(self._text[:place].encode()) for place in (start, end))
        return range(self._first + bisect_right(self._ends, first), self._first + bisect_left(self._ends, last) + 1)


def _number(row: Row, number: int, person: range, rest: range) -> None:
    for place in person:
        row.persons[place] = number
    for place in rest:
        row.about[place] = number
