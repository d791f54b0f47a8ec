"""Saving turns: acknowledged turns that are not in the file after an end or a kill; and what a summary does to a file.

A turn is acknowledged when its saver says so, and lost if one of its messages is missing from the file that the
process left behind, which another process reads. At an *exit* the process ends as programs end, without closing
anything; at a *kill* it is ended by SIGKILL between two turns. Power cuts are not tried. After a summary the file is
compared with what was said: *holes* are missing messages with a later one there, and *doubles* are messages that come
back after a restart although the restored summary covers them.
"""

from __future__ import annotations

from functools import partial

from experiments.measuring.records import Record
from experiments.metrics._reading import number
from experiments.metrics.interface import Metric, Missing


def share(record: Record, part: str, whole: str) -> float | Missing:
    """Compute one number over another."""
    some, every = number(record, part), number(record, whole)
    if isinstance(some, Missing):
        return some
    if isinstance(every, Missing) or every <= 0:
        return Missing(f"the subject noted no {whole}")
    return some / every


def _lost(name: str, words: str) -> Metric:
    return Metric(
        name=f"turns_lost_at_{name}",
        title=f"Acknowledged turns lost at {words}",
        unit="count",
        better="lower",
        formula=f"turns that were acknowledged before {words} − those of them whose messages are in the file",
        compute=partial(number, name=f"lost_at_{name}"),
        counts_failures=True,
    )


METRICS = (
    _lost("exit", "a normal exit"),
    _lost("kill", "kill -9"),
    Metric(
        name="rows_saved",
        title="Messages in the file of a conversation that is summed up",
        unit="ratio",
        better="higher",
        formula="messages in the file ÷ messages said",
        compute=partial(share, part="messages_saved", whole="messages_said"),
        counts_failures=True,
    ),
    Metric(
        name="rows_saved_after_summary",
        title="Messages in the file of those after the first summary",
        unit="ratio",
        better="higher",
        formula="messages in the file that were said after the first summary ÷ messages said after it",
        compute=partial(share, part="saved_after_summary", whole="said_after_summary"),
        counts_failures=True,
    ),
    Metric(
        name="summary_holes",
        title="Holes in the file of a conversation that is summed up",
        unit="count",
        better="lower",
        formula="messages that are not in the file, with a later one in it",
        compute=partial(number, name="holes"),
    ),
    Metric(
        name="restart_doubles",
        title="Messages that come back beside their summary after a restart",
        unit="count",
        better="lower",
        formula="messages that a session goes on with after a restart, and that its restored summary covers",
        compute=partial(number, name="doubled_after_restart"),
    ),
)
