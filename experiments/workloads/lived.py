"""A long-term memory that holds turns of the past, filled by a process of its own.

``python -m experiments.workloads.lived SYSTEM FOLDER SESSION COUNT SEED``: what cuts the texts into words is then not
in the memory of the process that uses it.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

from experiments.workloads.conversations import sentences
from systems import registry


def make(system: str, data_dir: Path, session: str, count: int, seed: int) -> None:
    """Fill the long-term memory of ``system`` in its data folder with ``count`` turns of ``session``.

    Raises `CalledProcessError`.
    """
    arguments = [system, str(data_dir), session, str(count), str(seed)]
    subprocess.run([sys.executable, "-m", __name__, *arguments], check=True)


def main() -> None:
    """Fill the memory that the command line names."""
    system, data_dir, session, count, seed = sys.argv[1:]
    fill = registry.systems.get(system).fill()
    fill(Path(data_dir), session, islice(sentences(int(seed)), int(count)))


if __name__ == "__main__":
    main()
