"""The interface of everything that generates text, and of what turns text into vectors.

An engine is cheap to construct and heavy to `load`; when it is loaded is the business of the system that holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec

from systems.errors import EngineError, NotHeeded

if TYPE_CHECKING:
    import numpy as np


class Message(msgspec.Struct, frozen=True):
    """One message of a chat, in the order it was said."""

    role: Literal["system", "user", "assistant"]
    content: str


FinishReason = Literal["stop", "length"]
"""Why a reply ended: it was complete, or it was as long as it may be."""


class SaidToken(msgspec.Struct, frozen=True):
    """A token of a reply as bytes, its log probability (natural), and the likeliest at its place with theirs.

    Probabilities are the model's own, before temperature, penalties and a grammar. A token may end within a character.
    """

    text: bytes
    logprob: float
    likeliest: tuple[tuple[bytes, float], ...] = ()


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of the engine produced.

    ``first_token_s`` counts in seconds from the call. ``prompt_tokens`` counts the whole prompt, whether or not its
    key/value state was reused; ``reused_tokens`` says how much of it was. ``dropped_messages`` counts the oldest
    messages that were left out because the context had no room for them, ``dropped_notes`` the notes that left after
    all of these. With ``seed`` the same call says the same again; None where no chance was in it, or where the engine
    is not told. ``tokens`` are those of the text, if the call asked for them.
    """

    text: str
    prompt_tokens: int
    generated_tokens: int
    first_token_s: float
    finish_reason: FinishReason
    reused_tokens: int = 0
    dropped_messages: int = 0
    dropped_notes: int = 0
    seed: int | None = None
    tokens: tuple[SaidToken, ...] = ()


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says of how the next token is chosen, and where a reply ends: a call, a setting, or a model's file.

    What is None (of ``stop``: empty) is left to the next of these three, field by field. What none of them says is
    greedy: ``temperature`` 0 takes the likeliest token, and ``top_k`` (0: all), ``top_p`` and ``min_p`` then do
    nothing. ``repeat_penalty`` lowers the weight of the tokens among the last ``repeat_last_n`` that the assistant
    said, in this reply or the ones before; of these, ``presence_penalty`` is taken from the logit of each, and
    ``frequency_penalty`` once for each time it was said. ``seed`` makes a reply repeatable; one that nobody names
    is drawn anew for each call. A reply ends before the first of the ``stop`` strings; and, unless ``ignore_end``,
    where the model ends it. ``logit_bias`` is added to the logits of the tokens with these numbers, before anything
    else is done with them.
    """

    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0)] | None = None
    repeat_last_n: Annotated[int, msgspec.Meta(ge=0, le=4096)] | None = None
    presence_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0)] | None = None
    stop: tuple[str, ...] = ()
    ignore_end: bool | None = None
    logit_bias: tuple[tuple[int, float], ...] = ()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an engine: generate at most ``max_tokens`` tokens after ``messages``.

    It is an upper bound: a reply also ends where the context is full, and with None it ends nowhere else but where the
    model ends it.

    An engine that keeps what it has computed of a conversation keeps it under the name ``conversation``, and uses it
    for no other. ``step`` says which model call of its turn this is, from 0; None leaves the counting to whoever
    scripts the turn. ``sampling`` None means as the engine was set up.

    Some models' templates refuse a role or an order of roles. With ``strict`` that is an error; without, what the
    system says then goes before the next question, and neighbours of one role become one message.

    An engine whose context the messages outgrow first takes what ``bare`` returns: the same messages without the notes
    that earlier ones still have. Then it leaves out the oldest of them, but neither a first one of the system's nor the
    last one. If these do not fit by themselves, ``shorter`` returns them with ever fewer of their notes, one less at a
    time. With ``all_messages`` only notes are left out: it raises `PromptTooLong` before it generates.

    With ``grammar``, in llama.cpp's GBNF with the rule ``root``, the reply is of this form, unless a bound cuts it. It
    is to be one that this project wrote (`systems.engines.grammar`): some of other people's end the process.
    With ``likeliest`` the tokens of the reply are told, each with so many of the likeliest at its place.

    With ``script`` every decoding step is computed and sampled in full, but the token emitted is the next one of that
    text, so that random weights cost what real ones cost. ``check`` is called before the work begins and between its
    parts, as is ``on_token`` for every token, perhaps from another thread: what either raises ends the call.
    """

    messages: Sequence[Message]
    max_tokens: int | None = None
    conversation: str | None = None
    bare: Callable[[], Sequence[Message]] | None = None
    shorter: Callable[[], Iterable[Sequence[Message]]] | None = None
    step: int | None = None
    script: str | None = None
    sampling: Sampling | None = None
    grammar: str | None = None
    likeliest: int | None = None
    strict: bool = False
    all_messages: bool = False
    on_token: Callable[[str], None] | None = None
    check: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        """Raises `EngineError` for a call that asks for nothing, or for what cannot be."""
        if self.max_tokens is not None and self.max_tokens < 1:
            raise EngineError(f"At least one token must be asked for, not {self.max_tokens}.")
        if self.likeliest is not None and self.likeliest < 0:
            raise EngineError(f"Of the likeliest tokens none can be told, or some, but not {self.likeliest}.")
        if self.grammar is not None and self.script is not None:
            raise EngineError("What is to be said word for word cannot be of another form as well.")


class Engine(ABC):
    """Generates text. `generate` blocks its thread, and may be called from any thread.

    What is measured with an engine of which ``runs_a_model`` or ``says_scripts`` (it can be made to say a given reply)
    is false carries a label that says so.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    runs_a_model: ClassVar[bool] = True
    says_scripts: ClassVar[bool] = True
    Settings: ClassVar[type[msgspec.Struct]]

    @abstractmethod
    def __init__(self, settings: Any) -> None: ...

    @property
    @abstractmethod
    def parallelism(self) -> int:
        """How many generations the engine can make progress on at once; more callers only queue."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What a cached answer depends on: the engine, the model and how it samples, in a short stable string.

        Where no seed is set a call repeated says something else. A cached answer is then one that was drawn once; it
        is served again as long as it is kept.
        """

    @property
    def samples_as_asked(self) -> bool:
        """Whether it heeds the ``sampling`` of a call; without, every call is sampled alike."""
        return False

    @property
    def heeds_grammars(self) -> bool:
        """Whether it heeds the ``grammar`` and the ``likeliest`` of a call; one that does not raises `EngineError`."""
        return False

    @property
    def context_tokens(self) -> int | None:
        """How many tokens a prompt and its reply may have together; None where that is not known, or not yet."""
        return None

    @property
    def threads(self) -> int | None:
        """How many threads it was told to compute a reply with; None where nobody said, or none of them are here."""
        return None

    def beside(self, other: Engine) -> Engine:
        """Return ``other``, which somebody opens beside it, made to leave memory while it is idle if this one does."""
        return other

    def check_heeds(self, sampling: Sampling | None, grammar: str | None, likeliest: int | None) -> None:
        """Refuse what it would ignore, where a reply would be another for it. Raises `NotHeeded`."""
        if not self.heeds_grammars:
            if grammar is not None:
                raise NotHeeded("grammar", "hold a reply to a form, nor to calls of functions")
            if likeliest is not None:
                raise NotHeeded("likeliest", "tell the probabilities of its tokens")
        if sampling is not None and not self.samples_as_asked:
            if sampling.stop:
                raise NotHeeded("stop", "end a reply at a text")
            if sampling.logit_bias:
                raise NotHeeded("logit_bias", "prefer one token to another")

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` is to the loaded model; where that cannot be known, how many it is at most.

        No known vocabulary makes more tokens of a text than it has bytes in UTF-8. Any thread may call it.
        """
        return len(text.encode())

    def examine(self) -> None:  # noqa: B027 - most have nothing to look at
        """Look, without loading a model, whether it could generate. Raises `EngineError`, which says why not."""

    @abstractmethod
    def load(self) -> None:
        """Load the model; a second call does nothing. Raises `ModelError`."""

    @abstractmethod
    def generate(self, call: Call) -> Generation:
        """Do what ``call`` says. Raises `EngineError`."""

    def forget(self, conversation: str) -> None:  # noqa: B027 - most keep nothing of a conversation
        """Keep nothing of what was computed under the name ``conversation``: it is gone before its next call begins.

        Any thread may call it. It loads no model, and waits at most for a call of that conversation to end.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the model; a second call does nothing."""


class AddressedEngine(Engine):
    """An engine that asks an endpoint which speaks OpenAI's format."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The endpoint's address, up to ``/chat/completions``."""


class AsyncEngine(Engine):
    """An engine whose replies can be awaited without a thread each."""

    @abstractmethod
    async def reply(self, call: Call) -> Generation:
        """Do what ``call`` says; a caller that is cancelled is no longer worked for. Raises `EngineError`."""


Purpose = Literal["query", "passage"]
"""What a vector is for: some models read a question otherwise than what may answer it."""


class Embedded(NamedTuple):
    """Vectors of texts: a row of 32-bit floats each, of length 1.

    ``tokens`` counts those that were read, of all texts, with what the model has before and after each. ``cut`` are the
    places of texts that were longer than the model reads, of which only the beginning was read.
    """

    vectors: np.ndarray
    tokens: int
    cut: Sequence[int] = ()


class EmbeddingEngine(ABC):
    """Turns texts into vectors that lie near each other where the texts mean the like. Any thread may call `embed`.

    Like any engine it is cheap to construct and heavy to `load`; nothing of it is in memory before.
    """

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """How many numbers a vector has. Known once it is loaded."""

    @property
    @abstractmethod
    def most_tokens(self) -> int:
        """How many tokens of a text it reads at most. Known once it is loaded."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What a stored vector depends on: the engine and the model, in a short stable string."""

    @property
    @abstractmethod
    def latin_only(self) -> bool:
        """Whether its vectors of texts in other scripts than Latin mean nothing. Known once it is loaded."""

    @property
    @abstractmethod
    def weights_bytes(self) -> int:
        """How many bytes the weights take in memory; 0 before it is loaded."""

    @abstractmethod
    def load(self) -> None:
        """Load the model; a second call does nothing. Raises `ModelError`."""

    @abstractmethod
    def embed(self, texts: Sequence[str], purpose: Purpose = "passage", *, cut: bool = True) -> Embedded:
        """Return the vectors of ``texts``. Blocks. Raises `EngineError`.

        Of a text longer than `most_tokens` the beginning is read; or, if ``cut`` is false, `PromptTooLong` is raised.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the model; a second call does nothing."""
