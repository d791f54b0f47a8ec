"""The interface of everything that generates text.

An engine is cheap to construct and heavy to `load`; when it is loaded is the business of the system that holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import msgspec


class Message(msgspec.Struct, frozen=True):
    """One message of a chat, in the order it was said."""

    role: Literal["system", "user", "assistant"]
    content: str


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of the engine produced.

    ``first_token_s`` counts in seconds from the call. ``prompt_tokens`` counts the whole prompt, whether or not its
    key/value state was reused; ``reused_tokens`` says how much of it was.
    """

    text: str
    prompt_tokens: int
    generated_tokens: int
    first_token_s: float
    reused_tokens: int = 0


class Engine(ABC):
    """Generates text. `generate` blocks its thread, and may be called from any thread.

    What is measured with an engine of which ``runs_a_model`` is false carries a label that says so.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    runs_a_model: ClassVar[bool] = True
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
        """What a cached answer depends on: the engine and the model, in a short stable string."""

    @abstractmethod
    def load(self) -> None:
        """Load the model; a second call does nothing. Raises `ModelError`."""

    @abstractmethod
    def generate(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        forced_reply: str | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Generation:
        """Generate at most ``max_tokens`` tokens after ``messages``.

        With ``forced_reply`` every decoding step is computed and sampled in full, but the token emitted is the next
        one of that text, so that random weights cost what real ones cost. Raises `EngineError`.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the model; a second call does nothing."""
