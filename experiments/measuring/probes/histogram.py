"""Any number of latencies in a fixed space: an HdrHistogram (G. Tene), three significant digits, and it merges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_LONGEST_S = 3600
_PER_SECOND = 1_000_000


class Histogram:
    """Holds seconds from a microsecond to an hour; made from the texts of others, it holds what they held.

    The text is HdrHistogram's own format (version 2, compressed, base64), which its tools in other languages read.
    """

    def __init__(self, encoded: Iterable[str] = ()) -> None:
        from hdrh.histogram import HdrHistogram

        self._held: Any = HdrHistogram(1, _LONGEST_S * _PER_SECOND, 3)
        for text in encoded:
            self._held.decode_and_add(text)

    def add(self, seconds: float) -> None:
        """Add one; what is beyond the range counts as its end."""
        self._held.record_value(min(max(round(seconds * _PER_SECOND), 1), _LONGEST_S * _PER_SECOND))

    def __len__(self) -> int:
        return int(self._held.get_total_count())

    def percentile(self, percent: float) -> float:
        """Return a percentile in seconds; 0 if nothing was added."""
        return float(self._held.get_value_at_percentile(percent)) / _PER_SECOND

    def text(self) -> str:
        """Return what is held, encoded."""
        return str(self._held.encode().decode("ascii"))
