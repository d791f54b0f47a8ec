"""Serving inside limits: in a child, which is told on its standard input what to serve."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from types import FrameType
from typing import Any

from experiments.errors import CannotEnforce
from systems.errors import FourgigError


def confined(serving: bytes, limits: Any) -> int:
    """Serve what ``serving`` says inside ``limits``, and return the exit status. Raises `CannotEnforce`."""
    from experiments.measuring.limits import kills
    from experiments.measuring.limits.janitor import Janitor
    from experiments.measuring.limits.select import judge

    judgement = judge(limits)
    # A server that gets less than the profile is inside its limits all the same: nothing is measured.
    if not judgement.backend.enforced:
        raise CannotEnforce(judgement.obstacle())
    backend = judgement.backend
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor([], []))
        run = backend.open_run(f"serve-{os.getpid()}", limits)
        stack.callback(run.close)
        janitor.guard(run.clean_up_paths())
        group = run.trial("server")
        stack.callback(group.remove)
        # In a session of its own: a terminal's interrupt comes once, from here.
        child = subprocess.Popen(
            group.command([sys.executable, "-m", "experiments.commands.serve"]),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        janitor.watch(child.pid)

        def pass_on(number: int, _: FrameType | None) -> None:
            child.send_signal(number)

        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.signal(number, pass_on)
            stack.callback(signal.signal, number, before)
        child.communicate(serving)
        janitor.forget(child.pid)
        if kill := kills.of(group.memory(), limits):
            raise FourgigError(f"The server ended: {kill.reason}.")
        return 128 - child.returncode if child.returncode < 0 else child.returncode
