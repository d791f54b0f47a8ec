"""The shared process: ``python -m systems.research.embedding.serving PARENT THREADS [ENCODER]``.

It loads the encoder, says so, and does one piece of work after another. It ends when nobody can ask any more, and at
once when the process ``PARENT`` has ended, whatever is computed just now.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from systems.research.embedding import frames
from systems.research.embedding.frames import Worked
from systems.research.embedding.parent import end_with
from systems.research.embedding.work import RelevanceWork, RelevanceWorker


def main() -> None:
    """Answer until there is nobody to answer."""
    parent, threads, *encoder = sys.argv[1:]
    end_with(int(parent))
    pipe, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a library prints must not be taken for an answer.
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    worker = RelevanceWorker(encoder[0] if encoder else None, int(threads))
    loaded = _worked(worker)
    _say(out, loaded)
    while not loaded.kind and (work := frames.asked(pipe)) is not None:
        _say(out, _worked(worker, work))


def _worked(worker: RelevanceWorker, work: RelevanceWork | None = None) -> Worked:
    """Return what comes of ``work``; without one, of loading."""
    try:
        if work is not None:
            return Worked(worker.do(work))
        worker.load()
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to whoever asked, on the other side
        return Worked.badly(error)
    return Worked()


def _say(out: BinaryIO, answer: Worked) -> None:
    out.write(frames.packed(answer))
    out.flush()


if __name__ == "__main__":
    main()
