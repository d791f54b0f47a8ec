"""``python -m systems.engines.calibration``: calibrate for the case on standard input, and print the choice.

For who must not load a model itself: both are JSON. Where it cannot be done, a sentence on standard error says why.
"""

from __future__ import annotations

import sys

import msgspec

from systems.engines.calibration.case import CalibrationCase
from systems.engines.calibration.keeping import found
from systems.errors import FourgigError


def main() -> None:
    """Calibrate."""
    case = msgspec.json.decode(sys.stdin.buffer.read(), type=CalibrationCase)
    try:
        choice = found(case).choice
    except FourgigError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    sys.stdout.buffer.write(msgspec.json.encode(choice))


if __name__ == "__main__":
    main()
