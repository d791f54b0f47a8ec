"""Files and folders as sources: text, Markdown and HTML, and nothing from outside of the folder that was named.

Links inside a folder are refused, never followed: one may lead anywhere. Each file is opened from the folder that was
listed, and may not be a link at that moment either. What is neither hidden nor one of these kinds is passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from systems.research.sources import text
from systems.research.sources.documents import CannotRead, Document, Found, SourceRefusal, TooLarge

MOST_DEPTH = 16
"""How deep a folder is read."""

_MOST_ENTRIES = 100_000  # of one folder, whatever they are


def read_place(
    place: Path, source: str, *, most_bytes: int, most_files: int, most_folder_bytes: int, late: Callable[[], bool]
) -> Iterator[Found]:
    """Yield what a file holds, or every file of a folder in the order of their names.

    ``late`` says whether the deadline has passed: what is left of a folder is then refused.
    """
    try:
        is_folder = stat.S_ISDIR(place.stat().st_mode)
        root = place.resolve() if is_folder else place
    except (OSError, ValueError) as error:
        yield SourceRefusal(source, _why(error))
        return
    if is_folder:
        yield from _Folder(root, source, most_bytes, most_files, most_folder_bytes, late).read()
        return
    kind = text.SUFFIXES.get(place.suffix.lower())
    if kind is None:
        yield SourceRefusal(source, f"it is no file of these kinds: {', '.join(text.SUFFIXES)}")
        return
    yield _read(place, None, source, kind, most_bytes)[0]


class _Folder:
    def __init__(
        self,
        root: Path,
        source: str,
        most_bytes: int,
        most_files: int,
        most_folder_bytes: int,
        late: Callable[[], bool],
    ) -> None:
        self._root, self._source = root, source
        self._most_bytes, self._most_files, self._left_bytes = most_bytes, most_files, most_folder_bytes
        self._most_folder_bytes = most_folder_bytes
        self._late = late
        self._files = 0
        self._over = ""

    def read(self) -> Iterator[Found]:
        yield from self._folder(self._root, None, 0)
        if self._over:
            yield SourceRefusal(self._source, f"{self._over}: the rest is not read")
        elif not self._files:
            yield SourceRefusal(self._source, f"it holds no file of these kinds: {', '.join(text.SUFFIXES)}")

    def _folder(self, path: Path, within: int | None, depth: int) -> Iterator[Found]:
        try:
            name = path if within is None else path.name
            here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
        except OSError as error:
            yield SourceRefusal(_shown(path), _why(error))
            return
        try:
            with os.scandir(here) as listed:
                entries = sorted(_bounded(listed), key=lambda entry: entry.name)
            for entry in entries:
                if not self._over and self._late():  # also where nothing is read: a tree of folders may have no end
                    self._over = "its deadline passed"
                if self._over:
                    return
                yield from self._entry(path / entry.name, entry, here, depth)
        except OSError as error:
            yield SourceRefusal(_shown(path), _why(error))
        except CannotRead as error:
            self._over = str(error)
        finally:
            os.close(here)

    def _entry(self, path: Path, entry: os.DirEntry[str], here: int, depth: int) -> Iterator[Found]:
        if entry.name.startswith("."):
            return
        kind = text.SUFFIXES.get(path.suffix.lower())
        if entry.is_symlink():
            if kind is not None or entry.is_dir():
                self._over = self._beyond()
                if not self._over:
                    self._files += 1
                    yield SourceRefusal(_shown(path), "it is a link, and links out of a folder are not followed")
        elif entry.is_dir(follow_symlinks=False):
            if depth >= MOST_DEPTH:
                yield SourceRefusal(_shown(path), f"it lies deeper than {MOST_DEPTH} folders")
            else:
                yield from self._folder(path, here, depth + 1)
        elif kind is not None:
            self._over = self._beyond()
            if not self._over:
                self._files += 1
                found, size = _read(path, here, _shown(path), kind, self._most_bytes)
                self._left_bytes -= size
                yield found

    def _beyond(self) -> str:
        """Return which bound of the folder is reached; empty where none is."""
        if self._files >= self._most_files:
            return f"it holds more than {self._most_files:,} files"
        return f"it holds more than {self._most_folder_bytes:,} bytes" if self._left_bytes <= 0 else ""


def _bounded(listed: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    for number, entry in enumerate(listed):
        if number >= _MOST_ENTRIES:
            raise CannotRead(f"it holds a folder of more than {_MOST_ENTRIES:,} files")
        yield entry


def _read(path: Path, within: int | None, source: str, kind: text.Kind, most_bytes: int) -> tuple[Found, int]:
    """Return the document in a file, or why there is none, and how many bytes were read."""
    body = b""
    try:
        body = _bytes(path, within, most_bytes)
        return _document(path, source, kind, body), len(body)
    except OSError as error:
        return SourceRefusal(source, _why(error)), 0
    except CannotRead as error:
        return SourceRefusal(source, str(error)), len(body)


def _document(path: Path, source: str, kind: text.Kind, body: bytes) -> Document:
    return text.document(source, body, kind, name=os.fsencode(path.stem).decode("utf-8", "replace"))


def _bytes(path: Path, within: int | None, most_bytes: int) -> bytes:
    # A pipe would be waited for until somebody writes into it. A file that was named itself may be a link.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    flags |= 0 if within is None else os.O_NOFOLLOW
    descriptor = os.open(path if within is None else path.name, flags, dir_fd=within)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CannotRead("it is no regular file")
        body = file.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise TooLarge(most_bytes)
    return body


def _shown(path: Path) -> str:
    """Return a path as it can be written anywhere: names of files need not be text."""
    return os.fsencode(path).decode("utf-8", "replace")


def _why(error: OSError | ValueError) -> str:
    return f"it cannot be read ({getattr(error, 'strerror', None) or error})".replace("\n", " ")
