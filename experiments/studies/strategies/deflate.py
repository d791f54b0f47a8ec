"""Deflate: what a WebSocket's compression takes off the wire, and what each connection holds and computes for it.

A server inside the limits sends replies to clients outside them. It sends the same messages in every way: a frame a
token and the whole reply behind them, as the lab's own server streams; whole replies alone; or, as to a dashboard,
the whole state of an agent after each of its steps. ``context-kept`` is what the library does by itself,
``context-dropped`` what the source advises, ``whole-window`` what zlib does by itself: a window eight times as large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.measuring.records import Scalar
from experiments.measuring.role import Role
from experiments.measuring.study import GRADED, Cell, GridRequest, Preset, narrowed, twins

PART = "deflate"
QUESTION = "a WebSocket's messages as they are or deflated: what goes over the wire, and what does a connection hold?"
MEASURES = ("wire_bytes", "socket_memory", "wire_cpu")
PRIMARY = 3
REFERENCES = ("uncompressed",)

SUBJECTS: dict[str, dict[str, Scalar]] = {
    "uncompressed": {"deflate": False},
    "context-kept": {"deflate": True, "window_bits": 12, "memory_level": 5, "context": True},
    "context-dropped": {"deflate": True, "window_bits": 12, "memory_level": 5, "context": False},
    "whole-window": {"deflate": True, "window_bits": 15, "memory_level": 8, "context": True},
}

_FRAMES: dict[Preset, tuple[str, ...]] = {"smoke": ("tokens",), "quick": ("tokens", "replies")}
_ALL_FRAMES = ("tokens", "replies", "states")
_SIZES: dict[Preset, tuple[int, int]] = {"smoke": (4, 2), "quick": (20, 4), "standard": (50, 6), "paper": (200, 20)}
"""Connections, and replies to each of them; there are more of those that take no frame a token."""
_MORE = {"tokens": 1, "replies": 5, "states": 1}

_ARMED = ("uncompressed", "context-kept")
_WAYS: dict[Preset, tuple[str, ...]] = {"smoke": _ARMED, "quick": (*_ARMED, "context-dropped")}
_LABEL = "no model runs: replies are words of stated number, a token each"

# Seconds, for estimates: a trial with its client; a frame sent, read and deflated.
_TRIAL_S, _FRAME_S = 0.9, 4e-5
_FRAMES_A_REPLY = {"tokens": 60, "replies": 1, "states": 4}


def cells(request: GridRequest) -> list[Cell]:
    """Return a cell a way for each kind of messages."""
    preset = narrowed(request).preset
    found = [
        cell
        for frames in _FRAMES.get(preset, _ALL_FRAMES)
        for cell in _compared(frames, *_SIZES[preset], _WAYS.get(preset, tuple(SUBJECTS)))
    ]
    arms = (cell for cell in found if cell.subject in _ARMED and cell.condition["frames"] == "tokens")
    return [*found, *(twins(arms) if preset in GRADED else ())]


def _compared(frames: str, connections: int, replies: int, subjects: Sequence[str]) -> Iterator[Cell]:
    replies *= _MORE[frames]
    for subject in subjects:
        yield Cell(
            part=PART,
            condition={"part": PART, "frames": frames, "connections": connections, "replies": replies},
            subject=subject,
            settings=SUBJECTS[subject],
            labels=(_LABEL,),
            estimate_s=_TRIAL_S + connections * replies * _FRAMES_A_REPLY[frames] * _FRAME_S,
        )


def run(role: Role) -> None:
    """Serve until the client has read every reply, and note what the connections hold."""
    # The other parts' trials import this module, and not what it measures.
    from experiments.studies.strategies import _deflating

    _deflating.run(role)


def run_client(role: Role) -> None:
    """Be all the clients, and count what comes."""
    from experiments.studies.strategies import _deflating

    _deflating.run_client(role)
