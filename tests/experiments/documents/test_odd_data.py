"""What docs/odd-data.md names as a test is one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "odd-data.md").read_text("utf-8")
    files = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", page))
    assert len(named) > 20
    assert {name for name in named if not any(path.endswith(f"/{name}") or path == name for path in files)} == set()
    functions = {name for text in files.values() for name in re.findall(r"def (test_\w+)", text)}
    assert set(re.findall(r"`(test_\w+)`", page)) <= functions
