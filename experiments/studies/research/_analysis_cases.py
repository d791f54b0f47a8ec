"""What an analysis may do instead of its work, a function a case; the standard library alone, as its child has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading

Articles = list[dict[str, str | float]]

FLOOD_BYTES = 80 << 20
EATEN_BYTES = 192 << 20
GRANDCHILD_S = 1.6
"""How long what is left behind lives: longer than any deadline here, and not for ever."""

_PIECE = 1 << 20
_SLEEP = "import time; time.sleep(float(__import__('sys').argv[1]))"


def raises(articles: Articles) -> dict[str, object]:
    """Divide by zero."""
    return {"count": len(articles) // 0}


def crashes(articles: Articles) -> dict[str, object]:
    """End as a fault in a library written in C ends a process."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return _report(articles)


def hangs(articles: Articles) -> dict[str, object]:
    """Wait for what never comes."""
    threading.Event().wait()
    return _report(articles)


def hangs_holding_lock(articles: Articles) -> dict[str, object]:
    """Search for a pattern that backtracks without end, and holds the interpreter's lock meanwhile."""
    re.match(r"(a+)+$", "a" * 64 + "b")
    return _report(articles)


def hangs_with_grandchild(articles: Articles) -> dict[str, object]:
    """Start a process that keeps the output open, and wait for what never comes."""
    subprocess.Popen(_sleeper())
    return hangs(articles)


def leaves_grandchild(articles: Articles) -> dict[str, object]:
    """Start a process that keeps the output open, and end."""
    subprocess.Popen(_sleeper())
    return _report(articles)


def leaves_daemon(articles: Articles) -> dict[str, object]:
    """Start a process that leaves the session and keeps nothing open, and end."""
    nothing = subprocess.DEVNULL
    subprocess.Popen(_sleeper(), stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    return _report(articles)


def prints_noise(articles: Articles) -> dict[str, object]:
    """Print what a library prints when it is loaded."""
    print("Loading stop words … done.", flush=True)
    return _report(articles)


def floods(articles: Articles) -> dict[str, object]:
    """Print without measure."""
    for _ in range(FLOOD_BYTES // _PIECE):
        left = memoryview(b"x" * _PIECE)
        while left:
            left = left[os.write(1, left) :]
    return _report(articles)


def eats_memory(articles: Articles) -> dict[str, object]:
    """Take and use far more memory than such work needs."""
    held = [b"x" * _PIECE for _ in range(EATEN_BYTES // _PIECE)]
    return _report(articles[: len(held)])


def _sleeper() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _SLEEP, str(GRANDCHILD_S)]


def _report(articles: Articles) -> dict[str, object]:
    """Return what any of the subjects takes for a report."""
    top = [{"source": "here", "title": "a title", "relevance": 0.5}]
    return {"count": len(articles), "top": top, "overall": {"count": len(articles)}, "top_articles": top}
