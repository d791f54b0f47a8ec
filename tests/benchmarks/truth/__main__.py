"""Print every table."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime

import numpy as np
import scipy

from tests.benchmarks.truth import families, intervals, rules
from tests.benchmarks.truth.simulating import BLOCKS, RUNS, SEED, runs

TABLES = (
    intervals.coverage,
    intervals.centres,
    intervals.standing_apart,
    rules.alike,
    rules.of_equals,
    rules.with_an_effect,
    families.many_comparisons,
)


def main() -> None:
    """Print the versions, the sizes and the tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    print(f"Simulated truth: nox -s bench -- truth {count}")
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    print(f"{versions}; {datetime.now(UTC):%Y-%m-%d}; seed {SEED}")
    print(f"simulated runs: {', '.join(f'{runs(count, blocks):,} with {blocks} blocks' for blocks in BLOCKS)}")
    for table in TABLES:
        print()
        for line in table(count):
            print(line, flush=True)


if __name__ == "__main__":
    main()
