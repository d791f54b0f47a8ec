"""Between messages, text and the tokens of a model that llama.cpp has loaded; for the engines that call llama.cpp."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from systems.engines.interface import Message
from systems.errors import EngineError, ModelError

# Used for a model that carries no template of its own.
FALLBACK_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)


class LlamaText:
    """Renders messages by the model's own template, and converts text to tokens and back.

    ``vocabulary`` is llama.cpp's pointer, ``metadata`` the model file's. Raises `ModelError` for a template that cannot
    be used.
    """

    def __init__(self, vocabulary: Any, metadata: Mapping[str, str], path: Path) -> None:
        from systems.models.llama_library import llama_cpp  # noqa: I001 - before anything of llama.cpp's
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        self._library = llama_cpp
        self._vocabulary = vocabulary
        template = metadata.get("tokenizer.chat_template")
        try:
            self._template: Any = Jinja2ChatFormatter(
                template=template or FALLBACK_TEMPLATE,
                bos_token=self._name(llama_cpp.llama_vocab_bos(vocabulary)),
                eos_token=self._name(llama_cpp.llama_vocab_eos(vocabulary)),
            )
        except Exception as error:  # a template is a program in the file; it can fail in any way
            raise ModelError(f"The chat template in {path} cannot be used: {error}.") from error
        # A template writes the begin-of-text token itself where the model wants one.
        self._adds_bos = template is None

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of ``messages`` and of the beginning of a reply. Raises `EngineError`."""
        try:
            rendered = self._template(
                messages=[{"role": message.role, "content": message.content} for message in messages]
            ).prompt
        except Exception as error:  # the template is the model's, and may refuse a role or an order of roles
            raise EngineError(f"The model's chat template refused the messages: {error}.") from error
        tokens = self.tokens(rendered, add_bos=self._adds_bos, special=True)
        if not tokens:
            raise EngineError("The model's chat template made nothing of the messages: there is no prompt.")
        return tokens

    def tokens(self, text: str, *, add_bos: bool = False, special: bool = False) -> list[int]:
        """Return the tokens of ``text``; ``special`` reads control markers as such. Raises `EngineError`."""
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise EngineError(f"The text cannot be split into tokens: {error}.") from error
        room = len(data) + 8
        while True:
            found = (self._library.llama_token * room)()
            count = self._library.llama_tokenize(self._vocabulary, data, len(data), found, room, add_bos, special)
            if count >= 0:
                return list(found[:count])
            if -count <= room:
                raise EngineError("The text cannot be split into tokens.")
            room = -count

    def script(self, reply: str) -> list[tuple[int, bytes]]:
        """Return the tokens of a scripted reply with the bytes each stands for."""
        script = [(token, self.piece(token)) for token in self.tokens(reply)]
        # Some vocabularies put a space before any text they are given; the reply does not begin with it.
        if script and script[0][1].startswith(b" ") and not reply.startswith(" "):
            script[0] = (script[0][0], script[0][1][1:])
        return script

    def piece(self, token: int) -> bytes:
        """Return the bytes a token stands for; none for control tokens."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, False)
            if length >= 0:
                return bytes(buffer.raw[:length])
            size = -length

    def ends(self, token: int) -> bool:
        """Return whether ``token`` ends a reply."""
        return bool(self._library.llama_vocab_is_eog(self._vocabulary, token))

    def _name(self, token: int) -> str:
        return "" if token < 0 else self._library.llama_vocab_get_text(self._vocabulary, token).decode("utf-8")
