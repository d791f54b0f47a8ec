"""The table of docs/frameworks.md, from what the folders say: ``python -m systems.frameworks.page`` writes it anew."""

from __future__ import annotations

import re
from pathlib import Path

from systems.frameworks import folders
from systems.frameworks.folders import HERE, Framework

PAGE = HERE.parents[1] / "docs" / "frameworks.md"

_BEGIN, _END = "<!-- what the folders say -->\n", "<!-- end -->\n"


def table() -> str:
    """Return the table: a row for each system that comes with the lab."""
    rows = [_row(folders.get(name)) for name in folders.built_in()]
    head = "| system | version | where it keeps what was said | switched off, and why |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def written(page: str) -> str:
    """Return the text of the page with the table in its place."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


def _row(framework: Framework) -> tuple[str, ...]:
    says = framework.says
    link = f"[{says.name}](../systems/frameworks/{framework.folder.name}/system.toml)"
    off = "; ".join(f"`{name}`: {why[0].lower()}{why[1:].rstrip('.')}" for name, why in says.switched_off.items())
    return link, _version(framework), says.memory, off or "nothing"


def _version(framework: Framework) -> str:
    wanted = re.search(
        rf"^{re.escape(framework.says.package)}(?:\[.*\])?==(\S+)", framework.requirements.read_text("utf-8"), re.M
    )
    return wanted[1] if framework.says.package and wanted else "–"


def main(path: Path = PAGE) -> None:
    """Write the table into the page at ``path``."""
    path.write_text(written(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
