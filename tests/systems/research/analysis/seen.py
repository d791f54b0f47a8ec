"""What runs on this machine that a test's analyses left: found by the test's own folder, among all arguments."""

import os
from contextlib import suppress
from pathlib import Path


def running(folder):
    """Return the processes that have the folder's name in their arguments; one that has ended has none any more."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if os.fsencode(folder) in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found
