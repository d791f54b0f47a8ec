"""Cases as rows of tokens, cut by llama.cpp itself, so that training and use cannot differ."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from experiments.reader import gguf_file
from experiments.reader.cases import Case, Truth
from experiments.reader.vocabulary import CHAT_TEMPLATE, rendered
from systems.engines.interface import Message
from systems.engines.llama_text import LlamaText
from systems.models.shapes import Shape

# The weight of replies that answer nothing, and of the further questions: to foresee a name that was read before is
# practice in looking it up.
_EASY, _READ = 0.1, 0.2


class Row(msgspec.Struct, frozen=True):
    """Tokens; the weight each is learned with; the number of the answer each belongs to, 0 being none.

    ``truths`` says of every answer, in order, what it answers.
    """

    tokens: list[int]
    weights: list[float]
    answers: list[int]
    truths: list[Truth]


class Rows:
    """Makes rows with ``text``, the reader's tokenizer and template."""

    def __init__(self, shape: Shape) -> None:
        import llama_cpp

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vocabulary.gguf"
            gguf_file.write(path, shape, {}, {})
            parameters = llama_cpp.llama_model_default_params()
            parameters.vocab_only = True
            self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
            template = {"tokenizer.chat_template": CHAT_TEMPLATE}
            self.text = LlamaText(llama_cpp.llama_model_get_vocab(self._model), template, path)

    def row(self, found: Case) -> Row:
        """Return the row of ``found``, the further questions following the first as turns of the same conversation."""
        row = Row([], [], [], [])
        said = ""
        for message in found.messages:
            if message.role == "assistant":
                self._add(row, said + "<|assistant|>", 0.0)
                self._add(row, message.content + "</s>", _EASY)
                said = ""
            else:
                said += rendered(message)
        self._add(row, said, 0.0)
        for number, asked in enumerate((found.asked, *found.more), 1):
            if number > 1:
                self._add(row, rendered(Message("user", asked.text)), _READ)
            self._add(row, "<|assistant|>", 0.0)
            self._add(row, asked.answer + "</s>", 1.0, number)
            row.truths.append(asked.truth)
        return row

    def _add(self, row: Row, text: str, weight: float, answer: int = 0) -> None:
        more = self.text.tokens(text, special=True)
        row.tokens.extend(more)
        row.weights.extend([weight] * len(more))
        row.answers.extend([answer] * len(more))
