"""The contract every system under test meets.

A system is built from its typed settings, an injected engine and a folder for its long-term memory. It is
started, answers `Request`s as `Reply`s (streaming tokens to a sink on the way), reports `Counters`, and is closed.
An error is an exception with a type (`systems.errors`), never a sentence in a reply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import msgspec

from systems.engines.interface import Engine, FinishReason, Generation, Message, SaidToken, Sampling
from systems.errors import BadInput

# The character that is there to separate units: a session and a conversation of it.
_APART = "\x1f"

TokenSink = Callable[[str], None]
"""Receives each piece of generated text as soon as it exists; may be called from another thread."""


class Source(StrEnum):
    """Where the text of a reply came from."""

    MODEL = "model"
    CACHE = "cache"
    COMMAND = "command"


Step = Literal[
    "keywords",
    "system information",
    "memory lookup",
    "cache",
    "model",
    "saving",
    "topics",
    "sources",
    "relevance",
    "analysis",
]
"""The steps of a turn that may fail. The model's never degrades: a turn without a reply is an error."""


class Degraded(msgspec.Struct, frozen=True, kw_only=True):
    """A step that failed, the empty value the turn went on with, and the type of the error."""

    step: Step
    to: str
    error: str


class Observed(msgspec.Struct, frozen=True):
    """What the clock, the system information and the emotion step *say* in a planned trial.

    The steps still run and their cost is paid; only their words are replaced, so that every system sends the
    same prompt.
    """

    clock: str
    system: str
    emotion: str


def talk(session: str, conversation: str | None) -> str:
    """Return the name of a conversation of ``session`` among those of all sessions; no two have the same.

    Without a name of its own it is called like its session, as plans and engines know it.
    """
    if conversation:
        return f"{_APART}{len(session)}{_APART}{session}{_APART}{conversation}"
    return f"{_APART}{session}" if session.startswith(_APART) else session


def session_of(name: str) -> str:
    """Return the session that the conversation called ``name`` (`talk`) is of."""
    if not name.startswith(_APART):
        return name
    length, apart, rest = name[1:].partition(_APART)
    if apart and length.isdecimal() and length.isascii():
        return rest[: int(length)]
    return name[1:]


def is_talk_of(session: str, name: str) -> bool:
    """Return whether ``name`` is that of a conversation of ``session``."""
    return name == talk(session, None) or name.startswith(f"{_APART}{len(session)}{_APART}{session}{_APART}")


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One user turn. ``deadline_s`` counts from the request's arrival at the system.

    ``session`` names whose memory it is, ``conversation`` which of their conversations; None is the one that a session
    has without further names. Turns of one conversation stay in order. What was said ``before`` in it is told by a
    client that keeps that itself; with None the agent's own history counts. ``instructions`` are the client's, beside
    the agent's own system prompt. A turn that is not to be ``kept`` is neither saved nor in the agent's history.

    ``max_tokens`` is an upper bound of the reply; with None it may be as long as the engine's context has room.
    ``sampling``, ``grammar``, ``likeliest`` and ``all_messages`` are those of `Call`.
    """

    id: str
    session: str
    text: str
    max_tokens: int | None = None
    deadline_s: float | None = None
    observed: Observed | None = None
    conversation: str | None = None
    before: tuple[Message, ...] | None = None
    instructions: str = ""
    kept: bool = True
    sampling: Sampling | None = None
    grammar: str | None = None
    likeliest: int | None = None
    all_messages: bool = False

    def __post_init__(self) -> None:
        """Refuse what no store and no model could take. Raises `BadInput`."""
        said = () if self.before is None else [message.content for message in self.before]
        for text in (self.id, self.session, self.text, self.conversation or "", self.instructions, *said):
            if not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError as error:
                    raise BadInput("A request's text holds half a character (a lone surrogate).") from error

    @property
    def talk(self) -> str:
        """The name of its conversation among those of all sessions."""
        return talk(self.session, self.conversation)

    def check_form(self, engine: Engine) -> None:
        """Refuse what ``engine`` would ignore, where the reply would be another for it. Raises `NotHeeded`."""
        engine.check_heeds(self.sampling, self.grammar, self.likeliest)

    @property
    def commands(self) -> bool:
        """Whether its text may be a command to the agent: what is answered by one has no form."""
        return self.grammar is None

    @property
    def may_be_cached(self) -> bool:
        """Whether another reply will do, given to the same question: not where this one is to be drawn anew."""
        drawn = self.sampling is not None and bool(self.sampling.temperature) and self.sampling.seed is None
        return self.kept and not drawn


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one request. Times are seconds from the request's arrival at the system.

    ``first_token_s`` is None when no token was streamed (a command, for one). ``reused_tokens`` of ``prompt_tokens``
    had been computed before. ``dropped_messages`` counts the oldest messages of the history, ``dropped_notes`` the
    weakest notes, that the prompt had no room for. With ``seed`` the model says the same again; None where no chance
    was in it. ``tokens`` are those of the text, if the request asked for them. ``degraded`` tells which steps failed
    and were done without, on the way to this reply. ``tier`` is where the conversation lay that it goes on with, and
    ``fetched_s`` what it took to have it; None where an agent has no tiers, or knew nothing of that conversation.
    """

    request_id: str
    text: str
    source: Source
    memories: tuple[str, ...] = ()
    prompt_tokens: int = 0
    reused_tokens: int = 0
    generated_tokens: int = 0
    finish_reason: FinishReason = "stop"
    dropped_messages: int = 0
    dropped_notes: int = 0
    seed: int | None = None
    tokens: tuple[SaidToken, ...] = ()
    first_token_s: float | None = None
    total_s: float = 0.0
    degraded: tuple[Degraded, ...] = ()
    tier: str | None = None
    fetched_s: float | None = None

    @classmethod
    def of(cls, request: Request, generation: Generation, *, called_s: float, memories: Sequence[str] = ()) -> Reply:
        """Return what a model said as the answer to ``request``; the engine was called ``called_s`` after it arrived.

        ``memories`` are what the prompt had notes of, best first; those whose notes the engine had to leave out do not
        count. The time until the whole reply is known, ``total_s``, is left to whoever knows it.
        """
        return cls(
            request_id=request.id,
            text=generation.text,
            source=Source.MODEL,
            memories=tuple(memories)[: len(memories) - generation.dropped_notes],
            prompt_tokens=generation.prompt_tokens,
            reused_tokens=generation.reused_tokens,
            generated_tokens=generation.generated_tokens,
            finish_reason=generation.finish_reason,
            dropped_messages=generation.dropped_messages,
            dropped_notes=generation.dropped_notes,
            seed=generation.seed,
            tokens=generation.tokens,
            first_token_s=called_s + generation.first_token_s,
        )

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens a second after the first; None if fewer than two were generated."""
        if self.generated_tokens < 2 or self.first_token_s is None or self.total_s <= self.first_token_s:
            return None
        return (self.generated_tokens - 1) / (self.total_s - self.first_token_s)

    def served_again(self, request_id: str, *, first_token_s: float) -> Reply:
        """Return this reply as the answer to another request: no token was generated for it."""
        return msgspec.structs.replace(
            self, request_id=request_id, source=Source.CACHE, generated_tokens=0, first_token_s=first_token_s
        )


class Counters(msgspec.Struct, kw_only=True):
    """What a system counted since it started: numbers of events, or of tokens; and what its embedding model takes.

    ``prompt_tokens`` counts those of every generation, ``reused_tokens`` those that the engine had computed before.
    ``generations`` counts turns that called the model, however often; ``retries`` counts repeated attempts of a turn's
    steps, ``save_failures`` failed attempts to save, ``unsaved`` turns that were answered and not saved. ``vectors``
    counts turns that got one, ``embedding_bytes`` the bytes of the weights that are loaded for them. ``similar_hits``
    counts replies to a question that meant the same, which are no ``cache_hits``; ``fetched`` conversations that came
    back from a tier below the hot one.
    """

    turns: int = 0
    generations: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    coalesced: int = 0
    refused: int = 0
    deadline_exceeded: int = 0
    saved: int = 0
    save_failures: int = 0
    unsaved: int = 0
    degraded: int = 0
    retries: int = 0
    warm_up_failures: int = 0
    vectors: int = 0
    embedding_bytes: int = 0
    similar_hits: int = 0
    fetched: int = 0


class SystemMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A number that a running system tells of itself beside its `Counters`: now, or, ``counted``, since it started.

    ``labels`` tell apart those of one ``name``; ``says`` is what that is, in a sentence.
    """

    name: str
    says: str
    value: float
    labels: dict[str, str] = {}
    counted: bool = False


class KeptTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A turn in long-term memory; ``created`` in seconds since the epoch. No other turn ever has its ``id``."""

    id: str
    conversation: str
    created: float
    question: str
    answer: str


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How many turns were forgotten, and of which conversation."""

    conversation: str
    turns: int


class KeptConversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation in long-term memory, titled by its first question; times in seconds since the epoch.

    ``place`` is where it stands among the others, by when something was last said in it: those ``after`` it are asked
    for by that, though it may have been gone on with or forgotten meanwhile. ``tier`` is where its state lies; None
    where an agent has no tiers, or has to make it from its turns.
    """

    id: str
    title: str
    created: float
    latest: float
    turns: int
    place: str
    tier: str | None = None


@runtime_checkable
class Keeper(Protocol):
    """An agent whose long-term memory a person may look into, correct and take things out of, while it runs.

    What is forgotten is gone from the file, the history, the caches and what waits to be saved when the call returns.
    """

    async def conversations(
        self, session: str, *, most: int | None = None, after: str | None = None
    ) -> list[KeptConversation]:
        """Return the conversations of ``session``, the latest first: ``most`` at most, those ``after`` a place."""
        ...

    async def turns(
        self, session: str, *, conversation: str | None = None, containing: str = "", before: str | None = None
    ) -> list[KeptTurn]:
        """Return the newest turns, oldest first, a page at most: of a conversation, with a text, before a turn."""
        ...

    async def forget(
        self, session: str, *, turn: str | None = None, conversation: str | None = None, since: str | None = None
    ) -> Forgotten:
        """Forget one ``turn``, or a ``conversation``, or of it the turns ``since`` one."""
        ...

    async def correct(self, session: str, turn: str, question: str) -> KeptTurn:
        """Have what was said in ``turn`` be ``question``. Raises `BadInput` if there is no such turn."""
        ...

    async def keep(self, request: Request, answer: str) -> None:
        """Keep ``answer``, where the reply to ``request`` was stopped, as if it had been whole."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A system that has more to tell of itself than `Counters` hold."""

    def metrics(self) -> list[SystemMetric]:
        """Return what it has to tell; nothing is waited for."""
        ...


@runtime_checkable
class Profiled(Protocol):
    """A system that can time the steps of its turns: where it is set to, by its setting ``profile_turns``."""

    def profile(self) -> str | None:
        """Return what each step took so far, as lines of text; None where it is not set to time them."""
        ...


class BlockingSystem(ABC):
    """A system whose calls hold the calling thread until they are done, one turn at a time."""

    blocks: ClassVar[bool] = True
    summary: ClassVar[str]
    Settings: ClassVar[type[msgspec.Struct]]

    @abstractmethod
    def __init__(self, settings: Any, engine: Engine, data_dir: Path) -> None: ...

    @abstractmethod
    def start(self) -> None:
        """Make the system ready to answer."""

    @abstractmethod
    def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request. Raises a `systems.errors.FourgigError` on failure."""

    @abstractmethod
    def counters(self) -> Counters:
        """Return what was counted since `start`."""

    @abstractmethod
    def close(self) -> None:
        """Release everything; every acknowledged turn is saved when this returns."""


class AsyncSystem(ABC):
    """A system that answers many requests at once on one event loop."""

    blocks: ClassVar[bool] = False
    summary: ClassVar[str]
    Settings: ClassVar[type[msgspec.Struct]]

    @abstractmethod
    def __init__(self, settings: Any, engine: Engine, data_dir: Path) -> None: ...

    @abstractmethod
    async def start(self) -> None:
        """Make the system ready to answer."""

    @abstractmethod
    async def answer(self, request: Request, on_token: TokenSink | None = None) -> Reply:
        """Answer one request. Raises a `systems.errors.FourgigError` on failure."""

    @abstractmethod
    def counters(self) -> Counters:
        """Return what was counted since `start`."""

    @abstractmethod
    async def close(self) -> None:
        """Release everything; every acknowledged turn is saved when this returns."""


System = BlockingSystem | AsyncSystem
