"""Fail where the committed pages of the reference are not what the committed records of its parts give.

The parts are copied, the pages made of them, and compared one by one, tables too. Left out is what another machine's
fonts and libraries may write otherwise: the outlines inside figures, and the last digits of numbers.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from experiments.measuring import runs
from experiments.report.reference import REFERENCE, publish

DIGITS = 9  # of the fifteen or more that a table has
NOTHING = 1e-8  # far below anything measured in seconds, bytes or shares: what rounding leaves of a zero

_figure = re.compile(r"<svg.*?</svg>|data:image/[^\"')]*", re.DOTALL)
_number = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def pages(folder: Path) -> dict[str, str]:
    """Return what each page and table in ``folder`` says, without what may differ, by its place."""
    paths = sorted([*folder.glob("*.html"), *folder.glob("tables/*.csv")])
    return {str(path.relative_to(folder)): said(path.read_text("utf-8")) for path in paths}


def said(text: str) -> str:
    """Return the words and figures of a page."""
    return _number.sub(lambda found: rounded(found[0]), _figure.sub("", text))


def rounded(number: str) -> str:
    """Return the digits that equal records must give on any machine."""
    value = float(number.replace("−", "-"))
    return "0" if abs(value) < NOTHING else f"{value:.{DIGITS}g}"


def main() -> None:
    """Compare every committed page and table with a new one."""
    with tempfile.TemporaryDirectory() as made:
        for part in runs.folders(REFERENCE):
            shutil.copytree(part, Path(made) / part.name)
        publish(Path(made), Path(made))
        new, committed = pages(Path(made)), pages(REFERENCE)
    stale = [place for place in sorted({*new, *committed}) if new.get(place) != committed.get(place)]
    if stale:
        sys.exit(
            f"In {REFERENCE} these are not what its records give: {', '.join(stale)}. Make them again with "
            f"`python -m experiments.report.reference {REFERENCE}`."
        )
    print(f"{len(new)} pages and tables of {REFERENCE} are what its records give.")


if __name__ == "__main__":
    main()
