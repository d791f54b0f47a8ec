"""Which files a trial will read, emptying the page cache of them, and proving that it is empty.

Pages that someone else has read are charged to no one in the trial's group: a warm model would cost it nothing.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import stat
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from systems.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAP_NORESERVE = 0x4000  # from mman.h; Python does not export it
_SEGMENTERS = ("rjieba", "jieba")  # what the lab's own components read, whichever systems run
_ATTEMPTS = 3  # a page that is just being read in, or that another processor still queues, goes at the next try


def parsed_dictionaries(folder: Path) -> tuple[Path, ...]:
    """Return jieba's parsed dictionaries in ``folder``, where the lab has it keep them."""
    return tuple(folder.glob("*.cache"))


def shared_files(packages: Iterable[str] = ()) -> tuple[Path, ...]:
    """Return the libraries of llama.cpp, and the libraries and lists of the segmenters and of ``packages``.

    They are installed files, which others may hold too.
    """
    named = dict.fromkeys((*_SEGMENTERS, *packages))
    found = (path for package in named for pattern in ("**/*.so", "**/*.txt") for path in _files(package, pattern))
    return (*_files("llama_cpp", "lib/*.so*"), *found)


def _files(package: str, pattern: str) -> Iterator[Path]:
    """Yield the files of an installed package, without importing it."""
    found = find_spec(package)
    for place in (found.submodule_search_locations or ()) if found else ():
        yield from (path for path in Path(place).glob(pattern) if path.is_file() and not path.is_symlink())


def evict(paths: Iterable[str | os.PathLike[str]]) -> int:
    """Drop the pages of ``paths`` from memory; return the bytes that stayed. Raises `BadInput`.

    Pages that a running process has mapped stay, and so do those of a file that lives in memory (tmpfs).
    """
    left = 0
    for path in map(Path, paths):
        with _opened(path) as descriptor:
            with suppress(OSError):  # a dirty page cannot be dropped, so it is written first
                os.fsync(descriptor)
            for _ in range(_ATTEMPTS):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                resident = _resident(descriptor)
                if resident == 0:
                    break
            left += resident
    return left


def resident_bytes(path: str | os.PathLike[str]) -> int:
    """Return how much of the file is in the page cache now. Raises `BadInput`."""
    with _opened(Path(path)) as descriptor:
        return _resident(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BadInput(f"The page cache of {path} cannot be examined: {error.strerror}.") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadInput(f"The page cache of {path} cannot be examined: it is not a file.")
        # To anyone else the kernel reports every page as resident.
        if found.st_uid != os.geteuid() and not os.access(path, os.W_OK, effective_ids=True):
            raise BadInput(
                f"The kernel tells only the owner of {path}, or who may write it, which pages are in memory: "
                "use a copy of your own."
            )
        yield descriptor
    finally:
        os.close(descriptor)


def _resident(descriptor: int) -> int:
    size = os.fstat(descriptor).st_size
    if size == 0:
        return 0
    page = mmap.PAGESIZE
    states = (ctypes.c_ubyte * ((size + page - 1) // page))()
    library = ctypes.CDLL(None, use_errno=True)
    # Only a private writable mapping lends ctypes its address; nothing is ever written to it.
    # Without a reservation, so that a file larger than all memory can be looked at.
    with mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE | _MAP_NORESERVE) as mapping:
        first = ctypes.c_char.from_buffer(mapping)
        try:
            status = library.mincore(
                ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), ctypes.byref(states)
            )
        finally:
            del first  # the mapping cannot be closed while ctypes holds its address
    if status:
        raise BadInput(f"The kernel would not say what is in memory: {os.strerror(ctypes.get_errno())}.")
    # Only the lowest bit is defined.
    pages = sum(state & 1 for state in states)
    return min(pages * page, size)
