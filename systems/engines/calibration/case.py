"""What is calibrated, and what comes of it: a case, the choice made for it, and how an engine's settings take that."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

SMALLEST_BYTES = 16 * 2**20
"""A smaller model's steps are over before a choice could matter."""

CHUNK_TOKENS = 256
"""How much of new prompts a step of the batched engine computes while replies run, where nothing says otherwise."""


class CalibrationCase(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is to be used, as far as that is settled before anything is measured.

    ``conversations`` run at once; the context's keys and values are of the type ``key_value`` and may take
    ``memory_bytes``. ``flash_attention`` None leaves it to the measurement; so does ``threads_are_set`` false of the
    number of threads, of which ``threads`` is then the most there may be.
    """

    model_path: str
    conversations: int
    threads: int
    threads_are_set: bool = False
    flash_attention: bool | None = None
    key_value: str = "f16"
    batch_tokens: int = 512
    memory_bytes: int = 1 << 30
    use_mmap: bool = True
    repack: bool = True

    @property
    def may_choose_attention(self) -> bool:
        """Whether flash attention is left to the measurement; keys and values of eight bits need it."""
        return self.flash_attention is None and self.key_value == "f16"

    @property
    def usual(self) -> EngineChoice:
        """What is done where nothing was measured."""
        attention = self.key_value != "f16" if self.flash_attention is None else self.flash_attention
        return EngineChoice(
            flash_attention=attention,
            threads=self.threads,
            prefill_threads=self.threads,
            micro_batch_tokens=self.batch_tokens,
            chunk_tokens=CHUNK_TOKENS,
        )

    def worth_measuring(self) -> bool:
        """Return whether the model is large enough for a choice to matter; not if it cannot be looked at."""
        try:
            return Path(self.model_path).stat().st_size >= SMALLEST_BYTES
        except OSError:
            return False


Threads = Annotated[int, msgspec.Meta(ge=1, le=512)]  # more would end the process
Tokens = Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]


class EngineChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine does where its settings do not say: each is a setting of the same name.

    ``threads`` compute steps in which every conversation says one token, ``prefill_threads`` those that read prompts.
    """

    flash_attention: bool
    threads: Threads
    prefill_threads: Threads
    micro_batch_tokens: Tokens
    chunk_tokens: Tokens

    def unset(self, settings: msgspec.Struct) -> dict[str, bool | int]:
        """Return what the choice says where ``settings`` say nothing; no engine need have all of them."""
        return {
            name: value
            for name, value in msgspec.structs.asdict(self).items()
            if name in settings.__struct_fields__ and getattr(settings, name) is None
        }

    def heeding(self, settings: msgspec.Struct) -> EngineChoice:
        """Return the choice with what ``settings`` say themselves."""
        said = {name: getattr(settings, name, None) for name in self.__struct_fields__}
        return msgspec.structs.replace(self, **{name: value for name, value in said.items() if value is not None})
