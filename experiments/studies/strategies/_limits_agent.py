"""An agent that holds what a request needs, and may keep some of it: run by its path, a line a request.

A request is ``{"hold_mib": N, "keep_mib": N}``; its answer ``{"ok": true}``, or ``{"ok": false}`` where there was no
memory for it: then nothing of it is held any more. Its argument is a limit of its memory in MiB, 0 for none. Its twin
for Node is ``_limits_agent.cjs``, whose limit is a flag of its runtime.
"""

from __future__ import annotations

import json
import resource
import sys

_BLOCK_BYTES = 8 << 20

kept: list[bytes] = []


def main() -> None:
    """Answer requests until the standard input ends."""
    limit_bytes = int(sys.argv[1]) << 20
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(request["hold_mib"], request["keep_mib"])
        except MemoryError:
            print('{"ok": false}', flush=True)
        else:
            print('{"ok": true}', flush=True)


def answer(hold_mib: int, keep_mib: int) -> None:
    """Hold so much for the request, block by block, and keep so much of it."""
    held = blocks(hold_mib)
    kept.extend(held[: (keep_mib << 20) // _BLOCK_BYTES])


def blocks(mib: int) -> list[bytes]:
    """Return so much memory, every page of it written."""
    return [b"x" * _BLOCK_BYTES for _ in range((mib << 20) // _BLOCK_BYTES)]


if __name__ == "__main__":
    main()
