"""What a turn reads of its surroundings: the clock, the machine, and the user's mood.

A planned trial replaces what they say with `systems.interface.Observed`, after their cost has been paid.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from datetime import datetime

import psutil

from systems.interface import Observed

# A small two-language lexicon is what "classify the emotion" can mean without a second model.
_MOODS: dict[str, tuple[str, ...]] = {
    "happy": (
        "glad",
        "happy",
        "great",
        "thanks",
        "thank you",
        "love",
        "wonderful",
        "开心",
        "高兴",
        "谢谢",
        "太好了",
        "喜欢",
    ),
    "sad": ("sad", "sorry", "miss", "lonely", "tired", "cry", "难过", "伤心", "孤独", "累", "想念"),
    "angry": ("angry", "annoyed", "hate", "furious", "unfair", "生气", "愤怒", "讨厌", "烦"),
    "worried": ("afraid", "worried", "nervous", "scared", "anxious", "害怕", "担心", "紧张", "焦虑"),
}
_MOOD_OF = {word: mood for mood, words in _MOODS.items() for word in words}
_ASCII_MOODS = tuple(word for word in _MOOD_OF if word.isascii())
# One pass over the text; where one word begins another, the longer one is tried first.
_MOOD_WORD = re.compile(
    "|".join(
        rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
        for word in sorted(_MOOD_OF, key=len, reverse=True)
    )
)


def read_system_information() -> str:
    """Return the machine's processor, memory and disk use as one line; takes about a millisecond."""
    memory = psutil.virtual_memory()
    disk = psutil.disk_usage("/")
    return (
        f"processor {psutil.cpu_percent(interval=None):.0f} %, memory {memory.percent:.0f} % of "
        f"{memory.total / 2**30:.1f} GiB, disk {disk.percent:.0f} %"
    )


class LastReading:
    """The system information as it was read at most ``fresh_s`` seconds ago; one reading serves every turn."""

    def __init__(self, fresh_s: float) -> None:
        self._fresh_s = fresh_s
        self._read_at = -math.inf
        self._line = ""

    @property
    def fresh(self) -> bool:
        """Whether `read` would only return what is known."""
        return time.monotonic() - self._read_at < self._fresh_s

    def read(self) -> str:
        """Return the line, reading it again if it is stale. Any thread may call it."""
        if not self.fresh:
            self._line, self._read_at = read_system_information(), time.monotonic()
        return self._line


def classify_emotion(text: str) -> str:
    """Return the mood whose words occur most often in ``text``, or "neutral"."""
    lowered = text.lower()
    # Most texts have none, and this is much faster than the pattern.
    for word in _ASCII_MOODS if lowered.isascii() else _MOOD_OF:
        if word in lowered:
            break
    else:
        return "neutral"
    counts = Counter(_MOOD_OF[word] for word in _MOOD_WORD.findall(lowered))
    return max(_MOODS, key=lambda mood: counts[mood]) if counts else "neutral"


def observe(system: str, emotion: str, planned: Observed | None) -> Observed:
    """Return what the prompt will say of the surroundings: the plan's words where there is a plan."""
    if planned is not None:
        return planned
    return Observed(clock=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"), system=system, emotion=emotion)
