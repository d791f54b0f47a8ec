"""How the batched engine is set, and what it counts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from systems.engines.calibration.case import CalibrationCase
from systems.engines.context_length import SERVED_TOGETHER, longest, padded
from systems.engines.interface import Sampling
from systems.models.key_values import KeyValues

KEY_VALUE_TYPES = {"f16": (1, 2.0), "q8_0": (8, 34 / 32)}
"""ggml's number of each type, and the bytes an element takes."""

MOST_CONVERSATIONS = 16
"""In a calibration; with more at once a step takes longer, but no other way becomes the better one."""


class BatchedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the engine works. Tokens, seconds and bytes.

    ``slots`` conversations are computed at once, each of at most ``context_tokens``; None means the model's own
    context, or as much of it as ``memory_bytes`` hold. While replies run, a step computes
    at most ``chunk_tokens`` of new prompts. ``memory_bytes`` bounds the context and the states of idle conversations
    together; fewer slots are used if the context alone would not fit. ``disk_bytes`` more may go to a temporary
    folder. A step longer than ``stuck_s`` fails its callers. Without ``share_prefixes``
    every conversation computes its own beginning, without ``keep_states`` all of it at every turn: for measuring what
    they bring. ``sampling`` is of calls that bring none; what it does not say is as the model's file says.

    With ``calibrate`` what is None of ``chunk_tokens``, ``micro_batch_tokens`` (how much of a step llama.cpp computes
    at once), ``threads``, ``prefill_threads`` (of steps that read prompts) and ``flash_attention`` is as was found best
    on this machine (`systems.engines.calibration`), without it as `CalibrationCase.usual` says.
    """

    model_path: str
    slots: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    context_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    batch_tokens: Annotated[int, msgspec.Meta(ge=1)] = 512
    micro_batch_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    chunk_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    threads: Annotated[int, msgspec.Meta(ge=1, le=512)] | None = None  # more would end the process
    prefill_threads: Annotated[int, msgspec.Meta(ge=1, le=512)] | None = None
    key_value: Literal["f16", "q8_0"] = "f16"
    flash_attention: bool | None = None
    calibrate: bool = True
    memory_bytes: Annotated[int, msgspec.Meta(ge=1)] = 1 << 30
    disk_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    share_prefixes: bool = True
    keep_states: bool = True
    use_mmap: bool = True
    repack: bool = True
    stuck_s: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    sampling: Sampling = Sampling()

    def case(self, cpus: int) -> CalibrationCase:
        """Return what is calibrated for these settings, where nobody says more than that ``cpus`` may be used."""
        return CalibrationCase(
            model_path=self.model_path,
            conversations=min(self.slots, MOST_CONVERSATIONS),
            threads=self.threads or cpus,
            threads_are_set=self.threads is not None,
            flash_attention=self.flash_attention,
            key_value=self.key_value,
            batch_tokens=self.batch_tokens,
            memory_bytes=self.memory_bytes,
            use_mmap=self.use_mmap,
            repack=self.repack,
        )

    def own_context(self, model: KeyValues) -> int:
        """Return how long a conversation with ``model`` may be where ``context_tokens`` does not say."""
        return longest(
            model,
            self.memory_bytes,
            conversations=min(self.slots, SERVED_TOGETHER),
            number_bytes=KEY_VALUE_TYPES[self.key_value][1],
            batch_tokens=self.batch_tokens,
        )

    def holds(self, model: KeyValues, tokens: int) -> bool:
        """Return whether there is room for one conversation of so many ``tokens`` with ``model``."""
        return padded(tokens) * model.numbers * KEY_VALUE_TYPES[self.key_value][1] <= self.memory_bytes


class BatchedCounters(msgspec.Struct, kw_only=True):
    """What was done since the engine was loaded. ``reused_tokens`` of ``prompt_tokens`` had been computed before."""

    requests: int = 0
    steps: int = 0
    decoded_tokens: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    prefixes: int = 0
    saved_states: int = 0
    restored_states: int = 0
    spilled_states: int = 0
    dropped_states: int = 0
    failed_steps: int = 0
