"""Who comes back regularly: a session that asked at even intervals is expected at the next one."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import NamedTuple

# So many sessions are remembered, those that asked last: about 2 MB.
_SESSIONS = 10_000
# The newest interval counts so much; with less, a habit that changed would take days to be seen.
_NEWEST = 0.25
# Intervals, beside the first, before anything is expected of them; and by what share they may differ on average.
_LEAST, _EVEN = 3, 0.2
# Seconds. What comes sooner is in a higher tier anyway.
_SHORTEST = 60.0


class _Habit(NamedTuple):
    last: float
    interval: float = 0.0
    differs: float = 0.0
    seen: int = 0


class Rhythm:
    """When each of the sessions that asked last is likely to ask again. Used from one event loop."""

    def __init__(self) -> None:
        self._habits: OrderedDict[str, _Habit] = OrderedDict()

    def note(self, session: str, now: float | None = None) -> None:
        """Note that ``session`` asked ``now`` (seconds since the epoch)."""
        now = time.time() if now is None else now
        known = self._habits.get(session)
        if known is None:
            self._habits[session] = _Habit(now)
        elif now - known.last >= _SHORTEST:
            interval = now - known.last
            if known.seen == 0:
                self._habits[session] = _Habit(now, interval, 0.0, 1)
            else:
                difference = abs(interval - known.interval)
                self._habits[session] = _Habit(
                    now,
                    known.interval + _NEWEST * (interval - known.interval),
                    known.differs + _NEWEST * (difference - known.differs),
                    known.seen + 1,
                )
        else:
            self._habits[session] = known._replace(last=now)
        self._habits.move_to_end(session)
        if len(self._habits) > _SESSIONS:
            self._habits.popitem(last=False)

    def due(self, within_s: float, now: float | None = None) -> list[str]:
        """Return the sessions that are expected between ``now`` and ``within_s`` later."""
        now = time.time() if now is None else now
        return [
            session
            for session, habit in self._habits.items()
            if habit.seen >= _LEAST
            and habit.differs <= _EVEN * habit.interval
            and now <= habit.last + habit.interval <= now + within_s
        ]
