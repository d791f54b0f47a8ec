"""Kill -9 at numbered points of every move: nothing acknowledged is lost, and everything lies in one place."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

KILLS = int(os.environ.get("FOURGIG_TIER_KILLS", "1000"))
"""How often, where it may take long."""


@pytest.mark.parametrize("kills", [20, pytest.param(KILLS, marks=pytest.mark.long)])
def test_killed_at_whatever_point_nothing_acknowledged_is_lost_and_one_copy_is_left(kills):
    memory = Path("/dev/shm")  # what is killed is a process, not a disk, and a disk is slow
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.systems.tiered.tiers.killing", folder, str(kills), "5"],
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{kills} kills, ")
