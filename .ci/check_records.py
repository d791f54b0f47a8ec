"""Fail where a record of a benchmark in results/ is older than the code that it is about.

``results/records.toml`` says of each which files and folders those are, and which version they had when it was
measured: a hash of what is in them. A record whose code is another one now is older than it, and is refused, unless it
is kept as history, with the reason. The reference run is no benchmark: each of its parts holds its machine and its code
by itself.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from systems.errors import BadInput

ROOT = Path(__file__).resolve().parents[1]

DECLARED = "results/records.toml"
_NO_RECORDS = frozenset({"README.md", "LICENSE", "records.toml"})
# As in "2 × AMD EPYC": how many processors, of which kind.
_MACHINE = re.compile(r"\d+ × [A-Z]")
_LENGTH = 12  # hexadecimal digits


class KeptRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a record is about, and how old it may be.

    ``about`` names files and folders from the repository's root, ``version`` what `version_of` gave for them when it
    was measured. ``history`` is why it is kept though they are others now. ``any_machine`` is why it names none.
    """

    about: tuple[str, ...] = ()
    version: str = ""
    history: str = ""
    any_machine: str = ""


def load(root: Path) -> dict[str, KeptRecord]:
    """Return what is said of each record, by its name in ``results/``. Raises `BadInput`."""
    try:
        return msgspec.toml.decode((root / DECLARED).read_bytes(), type=dict[str, KeptRecord])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadInput(f"{DECLARED} cannot be read: {error}.") from error


def faults(root: Path) -> list[str]:
    """Return, in a sentence each, what is wrong with the records below ``root``. Raises as `load` does."""
    declared, folder = load(root), root / "results"
    there = {path.name for path in folder.iterdir() if path.is_file()} - _NO_RECORDS
    found = [f"results/{name} is not there, and {DECLARED} says what it is about" for name in declared.keys() - there]
    found += [f"results/{name}: {DECLARED} does not say what it is about" for name in there - declared.keys()]
    for name in sorted(there & declared.keys()):
        found += [f"results/{name} {why}" for why in _faults(root, declared[name], folder / name)]
    return sorted(found)


def _faults(root: Path, record: KeptRecord, path: Path) -> Iterator[str]:
    words = path.read_text("utf-8")
    if not (record.any_machine or record.history) and not _MACHINE.search(words):
        yield "does not name the machine it was measured on, as in “2 × AMD EPYC”"
    if missing := [name for name in record.about if not (root / name).exists()]:
        yield f"is about {', '.join(missing)}, which is not there"
        return
    if record.history:
        return
    if not record.about:
        yield "is about no code, and no history"
        return
    now = version_of(root, record.about)
    if record.version != now:
        yield (
            f"is older than the code it is about ({', '.join(record.about)}): measure it again and set its version to "
            f'"{now}", or say in its history why it is kept'
        )


def version_of(root: Path, about: Iterable[str]) -> str:
    """Return a hash of these files and folders: of names and lines, without blank ones and those of a comment alone."""
    digest = hashlib.sha256()
    for path in sorted({file for name in about for file in _files(root / name)}):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(_code(path) if path.suffix == ".py" else path.read_bytes())
    return digest.hexdigest()[:_LENGTH]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _code(path: Path) -> bytes:
    lines = (line.rstrip() for line in path.read_bytes().splitlines())
    return b"\n".join(line for line in lines if line and not line.lstrip().startswith(b"#"))


def main() -> None:
    """Hold every record to its code, and say how many are history."""
    found = faults(ROOT)
    if found:
        sys.exit("\n".join(found))
    kept = load(ROOT).values()
    history = sum(bool(record.history) for record in kept)
    print(f"{len(kept) - history} records of benchmarks are of the code of today; {history} are kept as history.")


if __name__ == "__main__":
    main()
