"""What is compared in the part analysis, and in which cases, by name."""

from __future__ import annotations

IN_LOOP, THREAD, LISTED, PROCESS = "in-loop", "thread", "as-listed", "process"
SUBJECTS = (IN_LOOP, THREAD, LISTED, PROCESS)

WORKS, CANCELLED, KILLED = "works", "cancelled", "agent-killed"
CASES = (
    *(WORKS, "crashes", "hangs", "hangs-with-grandchild", "leaves-grandchild", "prints-noise", "floods", "eats-memory"),
    CANCELLED,
    # The others take as long again: they follow from these, or only differ from them in an argument.
    *("raises", "hangs-holding-lock", "leaves-daemon", KILLED),
)
"""What the program does; where the caller goes away, or the agent is killed, the program hangs meanwhile."""

TOLERANCE_S = 0.5
"""By how much a call may overrun its deadline and still be in time; stated with the claim, before the first run."""
