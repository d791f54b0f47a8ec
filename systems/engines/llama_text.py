"""Between messages, text and the tokens of a model that llama.cpp has loaded; for the engines that call llama.cpp."""

from __future__ import annotations

import ctypes
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from systems.engines.interface import Message
from systems.errors import EngineError, MessagesRefused, ModelError, words
from systems.logs import event

log = logging.getLogger(__name__)

# Used for a model that carries no template of its own, and how its replies end besides where the model ends them: such
# a model was not taught to stop, and goes on with what the user might say.
FALLBACK_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)
FALLBACK_STOP = ("\nsystem:", "\nuser:", "\nassistant:")

# What tells in a rendered prompt whether the template wrote a message at all.
_FIRST, _SECOND = "first words", "second words"


# What templates write without a control token of its own: [INST], <<SYS>>, a role and a colon that begin a line.
_MARKUP = re.compile(r"<{1,2}/?[^<>\s'\"{}\\]+>{1,2}|\[/?[A-Z_]+\]")
_ROLE = re.compile(r"(?:#+ ?)?\b(?:system|user|assistant|human|bot|instruction|input|response):", re.IGNORECASE)
_ROLES = ("system:", "user:", "assistant:")


class LlamaText:
    """Renders messages by the model's own template, and converts text to tokens and back.

    Only what the template writes itself is markup. Control tokens in the content of a message, of any role, are cut
    into tokens as the text that they are; markup for which there is no control token gets a space after its first
    character, a line that begins with a role a ">" before it.

    A prompt has one begin-of-text token if the vocabulary is to add one or the template writes it, else none; and never
    an end-of-text token that a vocabulary adds, behind which no reply would begin. A template that refuses messages of
    the system, or two neighbours of one role, is found out here, and the log says so; as it does of a model without a
    template, which is asked in plain words: "user: ...". ``stop`` are strings that end its replies.

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
        self._control, self._markup, self._roles = self._reserved(template)
        self._bos: int = llama_cpp.llama_vocab_bos(vocabulary)
        self._adds_bos = self._bos >= 0 and bool(llama_cpp.llama_vocab_get_add_bos(vocabulary))
        self.stop = () if template else FALLBACK_STOP
        self._takes_system = self._takes(Message("system", _FIRST), Message("user", _SECOND))
        self._takes_neighbours = self._takes(Message("user", _FIRST), Message("user", _SECOND))
        self._turn_end = self._unknown_end()
        if not template:
            event(log, logging.WARNING, "the model has no chat template: roles are written as plain words")
        if not self._takes_system:
            event(log, logging.WARNING, "the chat template has no system message: it goes before the first question")

    def prompt(self, messages: Sequence[Message], *, strict: bool = False) -> list[int]:
        """Return the tokens of ``messages`` and of the beginning of a reply.

        With ``strict`` they are the very messages; without, what the template refuses is put otherwise (`adapted`).
        Raises `MessagesRefused`, and `EngineError`.
        """
        if not strict:
            messages = adapted(messages, system=self._takes_system, neighbours=self._takes_neighbours)
        elif not self._takes_system and any(message.role == "system" for message in messages):
            raise MessagesRefused("The model's chat template has no place for a message of the system.")
        said = [{"role": message.role, "content": self._as_text(message)} for message in messages]
        # Control tokens in the contents give way to marks, which pass through the template, and come back as text.
        quoted: list[str] = []
        mark = ""
        if self._control is not None and any(self._control.search(each["content"]) for each in said):
            mark = _unused(each["content"] for each in said)

            def marked(found: re.Match[str]) -> str:
                quoted.append(found[0])
                return f"{mark}{len(quoted) - 1}{mark}"

            for each in said:
                each["content"] = self._control.sub(marked, each["content"])
        try:
            rendered = self._template(messages=said).prompt
        except Exception as error:  # the template is the model's, and may refuse a role or an order of roles
            raise MessagesRefused(
                f"The model's chat template refuses these messages: {words(error).removesuffix('.')}."
            ) from error
        first, *parts = re.split(f"{mark}(\\d+){mark}", rendered) if mark else [rendered]
        tokens = self.tokens(first, special=True)
        for number, after in zip(parts[::2], parts[1::2], strict=True):
            tokens += self.tokens(quoted[int(number)])
            tokens += self.tokens(after, special=True)
        if not tokens:
            raise EngineError("The model's chat template made nothing of the messages: there is no prompt.")
        return self._begun(tokens)

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """Return the tokens of ``text``; ``special`` reads control markers as such. Raises `EngineError`."""
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise EngineError(f"The text cannot be split into tokens: {error}.") from error
        room = len(data) + 8
        while True:
            found = (self._library.llama_token * room)()
            count = self._library.llama_tokenize(self._vocabulary, data, len(data), found, room, False, special)
            if count >= 0:
                return list(found[:count])
            if -count <= room:
                raise EngineError("The text cannot be split into tokens.")
            room = -count

    def said_last(self, messages: Sequence[Message], most: int) -> list[int]:
        """Return the last ``most`` tokens of what the assistant said in ``messages``."""
        found: list[int] = []
        for message in reversed(messages):
            if len(found) >= most:
                break
            if message.role == "assistant":
                found[:0] = self.tokens(message.content)
        return found[-most:] if most else []

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
        """Return whether ``token`` ends a reply: llama.cpp knows it as such, or the template ends replies with it."""
        return token == self._turn_end or bool(self._library.llama_vocab_is_eog(self._vocabulary, token))

    def grammar(self, grammar: str) -> Any:
        """Return llama.cpp's sampler of ``grammar`` from its rule ``root``, to be freed; null if it is none."""
        return self._library.llama_sampler_init_grammar(self._vocabulary, grammar.encode(), b"root")

    @cached_property
    def ends_known(self) -> list[int]:
        """The tokens that llama.cpp knows to end a reply."""
        count = self._library.llama_vocab_n_tokens(self._vocabulary)
        return [token for token in range(count) if self._library.llama_vocab_is_eog(self._vocabulary, token)]

    @cached_property
    def ends_any(self) -> list[int]:
        """The tokens that end a reply."""
        return sorted({*self.ends_known, *([] if self._turn_end is None else [self._turn_end])})

    @cached_property
    def wordless(self) -> NDArray[np.bool_]:
        """Of each token whether it says nothing: control tokens, and what ends a reply."""
        library, count = self._library, self._library.llama_vocab_n_tokens(self._vocabulary)
        attributes = map(library.llama_vocab_get_attr, repeat(self._vocabulary), range(count))
        silent = library.LLAMA_TOKEN_ATTR_CONTROL | library.LLAMA_TOKEN_ATTR_UNKNOWN
        found: NDArray[np.bool_] = np.fromiter(attributes, np.int64, count) & silent != 0
        found[self.ends_any] = True
        return found

    def _unknown_end(self) -> int | None:
        """Return the control token that the template writes after a reply, if it writes none that llama.cpp knows."""
        said = [("user", _FIRST), ("assistant", _SECOND), ("user", _FIRST)]
        try:
            rendered = self._template(messages=[{"role": role, "content": content} for role, content in said]).prompt
        except Exception:  # noqa: BLE001 - as in `prompt`
            return None
        after = self.tokens(rendered.partition(_SECOND)[2], special=True)
        if any(self._library.llama_vocab_is_eog(self._vocabulary, token) for token in after):
            return None
        attributes = [self._library.llama_vocab_get_attr(self._vocabulary, token) for token in after]
        control = self._library.LLAMA_TOKEN_ATTR_CONTROL
        return next((token for token, has in zip(after, attributes, strict=True) if has & control), None)

    def _begun(self, tokens: list[int]) -> list[int]:
        """Return ``tokens`` with one begin-of-text token before them if there is to be one."""
        written = next((place for place, token in enumerate(tokens) if token != self._bos), len(tokens))
        return [self._bos] * (self._adds_bos or written > 0) + tokens[written:]

    def _takes(self, *messages: Message) -> bool:
        """Return whether the template writes all of ``messages``: some refuse an order, some leave a role out."""
        try:
            rendered = self._template(messages=[{"role": each.role, "content": each.content} for each in messages])
        except Exception:  # noqa: BLE001 - as in `prompt`
            return False
        return all(each.content in rendered.prompt for each in messages)

    def _as_text(self, message: Message) -> str:
        """Return the content of ``message`` without the markup that no control token stands for."""
        text = message.content
        # What a model says may have markup that the template looks for: its thoughts, which it leaves out.
        if self._markup is not None and message.role != "assistant":
            text = self._markup.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
        return text if self._roles is None else self._roles.sub(r"> \g<0>", text)

    def _reserved(self, template: str | None) -> tuple[re.Pattern[str] | None, ...]:
        """Return what finds the model's control tokens, its template's other markup, and roles that begin a line."""
        library, vocabulary = self._library, self._vocabulary
        control = library.LLAMA_TOKEN_ATTR_CONTROL | library.LLAMA_TOKEN_ATTR_UNKNOWN
        named = control | library.LLAMA_TOKEN_ATTR_USER_DEFINED
        count = library.llama_vocab_n_tokens(vocabulary)
        names = {
            self._name(token): bool(attributes & control)
            for token, attributes in enumerate(map(library.llama_vocab_get_attr, repeat(vocabulary), range(count)))
            if attributes & named
        }
        controls = {name for name, is_control in names.items() if is_control}
        written = _MARKUP.findall(template or "")
        markup = {name for name in (*names, *written) if _MARKUP.fullmatch(name) and name not in controls}
        roles = {found.lower() for found in _ROLE.findall(template or "")} if template else set(_ROLES)
        return _any_of(controls), _any_of(markup), _any_of(roles, "(?im)^")

    def _name(self, token: int) -> str:
        return (
            "" if token < 0 else self._library.llama_vocab_get_text(self._vocabulary, token).decode("utf-8", "replace")
        )


def adapted(messages: Sequence[Message], *, system: bool, neighbours: bool) -> list[Message]:
    """Return ``messages`` for a template that takes none of the ``system``, or no ``neighbours`` of one role.

    What the system says then goes before the next question, as a paragraph of its own, and neighbours become one.
    """
    found: list[Message] = []
    goes_before = False
    for message in messages:
        moved = message.role == "system" and not system
        role = "user" if moved else message.role
        if found and found[-1].role == role and (goes_before or not neighbours):
            found[-1] = Message(role, f"{found[-1].content}\n\n{message.content}")
        else:
            found.append(Message(role, message.content))
        goes_before = moved
    return found


def _any_of(names: Iterable[str], before: str = "") -> re.Pattern[str] | None:
    """Return a pattern of any of ``names``, the longest first as llama.cpp looks for them; None if there are none."""
    longest = sorted((re.escape(name) for name in names if name), key=len, reverse=True)
    return re.compile(f"{before}(?:{'|'.join(longest)})") if longest else None


def _unused(texts: Iterable[str]) -> str:
    """Return a character that none of ``texts`` has, of those for private use."""
    used = set().union(*texts)
    return next(mark for mark in map(chr, range(0xE000, 0x10FFFE)) if mark not in used)
