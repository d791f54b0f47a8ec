"""Kill -9 at numbered points of every move: nothing acknowledged is lost, and everything lies in one place."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

KILLS = int(os.environ.get("FOURGIG_TIER_KILLS", "1000"))


def test_killed_at_a_thousand_points_nothing_acknowledged_is_lost_and_one_copy_is_left():
    memory = Path("/dev/shm")  # what is killed is a process, not a disk, and a disk is slow
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.systems.tiered.tiers.killing", folder, str(KILLS), "5"],
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{KILLS} kills, ")
