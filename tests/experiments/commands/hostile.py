"""A package whose names and words a terminal would obey, or could not be sent."""

from __future__ import annotations

import os
from pathlib import Path

ORDERS = "[bold]b[/] [/] [link=http://x]l :bug: \x1b[31m \x1b]8;;http://x\x07 \x9b2J \u202e é"
"""Rich's markup, balanced and not, an emoji's name, ANSI in both its spellings, a link, a turned direction."""

OBEYED = {"\x1b", "\x07", "\x9b", "\u202e", "\r"}

_ENTRIES = """
[fourgig.studies]
hostile = hostile_study:Hostile
[fourgig.systems]
hostile[bold] = hostile_study:Odd
"""

_MODULE = """
import os

from experiments.measuring.study import Cell, Study
from tests.experiments.commands.hostile import ORDERS
from tests.experiments.echo_system import Echo


class Odd(Echo):
    summary = ORDERS


class Hostile(Study):
    name = "hostile"
    question = ORDERS
    references = ("says " + ORDERS,)
    measures = ("total_time",)
    primary = ("total_time",)
    parts = {"one": ORDERS}

    def grid(self, request):
        subject = os.environ.get("SUBJECT") or "says " + ORDERS
        missing = os.environ.get("MISSING", "")
        return [Cell(condition={"n": ORDERS}, subject=subject, part="one", timeout_s=60.0, impossible=missing)]

    def has_client(self, spec):
        return False

    def run_subject(self, role):
        if "fails" in role.spec.subject or "says" in role.spec.subject:
            raise ValueError(ORDERS)
        role.part.values["answer"] = float(os.environ.get("ANSWER", "42"))
        role.outside_look()
"""


def install(site: Path) -> dict[str, str]:
    """Write the package to ``site``, and return the environment in which it is installed."""
    info = site / "hostile-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(_ENTRIES)
    (site / "hostile_study.py").write_text(_MODULE)
    root = Path(__file__).parents[3]
    return {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{root}"}
