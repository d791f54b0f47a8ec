"""Cases as rows of tokens, cut by llama.cpp itself, so that training and use cannot differ."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from experiments.reader import gguf_file
from experiments.reader.cases import Case, Truth
from experiments.reader.vocabulary import CHAT_TEMPLATE, rendered
from systems.engines.llama_text import LlamaText
from systems.models.shapes import Shape

_READ = 0.1
"""The weight of a question's own words: to foresee a name that was read before is practice in looking it up."""


class Row(msgspec.Struct, frozen=True):
    """Tokens of a prompt and of questions that might end it; the weight each token is learned with.

    ``questions`` numbers the question that a token belongs to, 0 being the prompt that they share, and ``places`` says
    how far from the beginning it stands when only that question is asked. ``answers`` is as ``questions``, but only
    where a token belongs to the answer. ``truths`` says of every answer, in order, what it answers.
    """

    tokens: list[int]
    weights: list[float]
    questions: list[int]
    answers: list[int]
    places: list[int]
    truths: list[Truth]


class Rows:
    """Makes rows with ``text``, the reader's tokenizer and template."""

    def __init__(self, shape: Shape) -> None:
        from systems.engines.llama_library import llama_cpp

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vocabulary.gguf"
            gguf_file.write(path, shape, {}, {})
            parameters = llama_cpp.llama_model_default_params()
            parameters.vocab_only = True
            self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
            template = {"tokenizer.chat_template": CHAT_TEMPLATE}
            self.text = LlamaText(llama_cpp.llama_model_get_vocab(self._model), template, path)

    def row(self, found: Case) -> Row:
        """Return the row of ``found``: what all questions share is there once, and none is to see another."""
        row = Row([], [], [], [], [], [])
        shared = "".join(rendered(message) for message in found.messages).removesuffix(found.asked.text)
        self._add(row, shared, 0.0)
        for number, asked in enumerate((found.asked, *found.more), 1):
            begun = len(row.tokens)
            self._add(row, asked.text, _READ, number)
            row.weights[begun] = 0.0  # what stands before it in the row is not what comes before it
            self._add(row, "<|assistant|>", 0.0, number)
            self._add(row, asked.answer + "</s>", 1.0, number, answer=True)
            row.truths.append(asked.truth)
        return row

    def _add(self, row: Row, text: str, weight: float, question: int = 0, answer: bool = False) -> None:
        more = self.text.tokens(text, special=True)
        first = row.places[-1] + 1 if row.questions and row.questions[-1] == question else row.questions.count(0)
        row.tokens.extend(more)
        row.weights.extend([weight] * len(more))
        row.questions.extend([question] * len(more))
        row.answers.extend([question if answer else 0] * len(more))
        row.places.extend(range(first, first + len(more)))
