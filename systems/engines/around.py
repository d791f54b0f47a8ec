"""An engine around another one, which changes some of what that does."""

from __future__ import annotations

from typing import Any

from systems.engines.interface import Call, Engine, Generation, Sampling


class AroundEngine(Engine):
    """Does everything as its ``inner`` engine does; a wrapper changes what it must."""

    def __init__(self, inner: Any) -> None:
        self._inner: Engine = inner

    def __reduce__(self) -> tuple[object, ...]:
        """Return what it is made of: another process makes it anew, not loaded."""
        return type(self), (self._inner,)

    @property
    def parallelism(self) -> int:
        """The inner engine's."""
        return self._inner.parallelism

    @property
    def identity(self) -> str:
        """The inner engine's."""
        return self._inner.identity

    @property
    def samples_as_asked(self) -> bool:
        """Whether the inner engine does."""
        return self._inner.samples_as_asked

    @property
    def heeds_grammars(self) -> bool:
        """Whether the inner engine does."""
        return self._inner.heeds_grammars

    @property
    def context_tokens(self) -> int | None:
        """The inner engine's."""
        return self._inner.context_tokens

    @property
    def threads(self) -> int | None:
        """The inner engine's."""
        return self._inner.threads

    def beside(self, other: Engine) -> Engine:
        """Return what the inner engine makes of ``other``."""
        return self._inner.beside(other)

    def check_heeds(self, sampling: Sampling | None, grammar: str | None, likeliest: int | None) -> None:
        """Refuse what the inner engine would ignore. Raises `NotHeeded`."""
        self._inner.check_heeds(sampling, grammar, likeliest)

    def count(self, text: str) -> int:
        """Return what the inner engine counts."""
        return self._inner.count(text)

    def examine(self) -> None:
        """Look whether the inner engine could generate. Raises `EngineError`."""
        self._inner.examine()

    def load(self) -> None:
        """Load the inner engine. Raises `ModelError`."""
        self._inner.load()

    def generate(self, call: Call) -> Generation:
        """Have the inner engine do what ``call`` says. Raises `EngineError`."""
        return self._inner.generate(call)

    def forget(self, conversation: str) -> None:
        """Have the inner engine keep nothing of ``conversation``."""
        self._inner.forget(conversation)

    def close(self) -> None:
        """Close the inner engine."""
        self._inner.close()
