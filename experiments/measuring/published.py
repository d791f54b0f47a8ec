"""What a trial wrote, as results may show it to others: without the folders of this machine."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import systems


def published(text: str, **folders: Path) -> str:
    """Return ``text`` with the folders of this machine, and the named ones besides, replaced by what they are."""
    names = {
        sysconfig.get_path("purelib"): "site-packages",
        sys.prefix: "environment",
        sys.base_prefix: "python",
        str(Path(systems.__path__[0]).parent): "fourgig",
        **{str(folder): name for name, folder in folders.items()},
    }
    for folder in sorted(names, key=len, reverse=True):
        text = text.replace(folder, names[folder])
    return text
