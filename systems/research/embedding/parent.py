"""A process that ends when the one that started it does, whatever it is doing and however the other ends."""

from __future__ import annotations

import os
import select
import threading


def end_with(parent: int) -> None:
    """End this process, at once or later, when the process ``parent``, which started it, has ended.

    A pipe to it would not tell: whatever process it forked may hold the other end open.
    """
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        os._exit(1)
    # Asked after it is watched: before, it could have ended, and its number been given to another process.
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_end_after, args=(descriptor,), name="parent", daemon=True).start()


def _end_after(descriptor: int) -> None:
    select.select([descriptor], [], [])
    # Not by an exception in the main thread: that may be in llama.cpp, which heeds none.
    os._exit(1)
