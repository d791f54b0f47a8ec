"""``python -m experiments.report.paper [RUN]``: the paper of a run, the reference run by default."""

from __future__ import annotations

import sys

from experiments.report.paper.build import build
from systems.errors import FourgigError

if __name__ == "__main__":
    try:
        print(build(sys.argv[1] if len(sys.argv) > 1 else None))
    except FourgigError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
