"""A memray trace of a stretch of code: what the heap held at its peak, apart from what was mapped.

Never used in a timing trial. memray counts every mapping as an allocation, a mapped model included, so mappings are
reported apart.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import systems
from experiments.records import Allocator, Part

TOP = 12
"""How many of the largest allocators a record keeps."""


@contextmanager
def trace(part: Part, work_dir: Path) -> Iterator[None]:
    """Trace what runs inside into ``part``: peak bytes, allocations, and a flame graph as an artifact."""
    import memray

    capture, graph = work_dir / "trace.bin", work_dir / "flamegraph.html"
    with memray.Tracker(capture):
        yield
    reader = memray.FileReader(capture)
    places: dict[tuple[str, bool], list[int]] = {}
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        mapped = memray.AllocatorType(record.allocator) in (memray.AllocatorType.MMAP, memray.AllocatorType.MUNMAP)
        held = places.setdefault((_place(record.stack_trace(max_stacks=1)), mapped), [0, 0])
        held[0] += record.size
        held[1] += record.n_allocations
    allocators = [
        Allocator(place=place, size_bytes=size, allocations=count, mapped=mapped)
        for (place, mapped), (size, count) in places.items()
    ]
    part.values["heap_peak_bytes"] = float(sum(one.size_bytes for one in allocators if not one.mapped))
    part.values["mapped_peak_bytes"] = float(sum(one.size_bytes for one in allocators if one.mapped))
    part.values["allocations"] = float(reader.metadata.total_allocations)
    part.allocators = sorted(allocators, key=lambda one: -one.size_bytes)[:TOP]
    # --no-web: the page must work on a machine without a network, and years from now.
    subprocess.run(
        [sys.executable, "-m", "memray", "flamegraph", "--no-web", "--force", "-o", str(graph), str(capture)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    graph.write_text(_published(graph.read_text("utf-8")), "utf-8")
    part.artifacts["flamegraph"] = graph.name


def _place(stack: list[tuple[str, str, int]]) -> str:
    """Return the function that allocated, as "folder/file.py: function"; memory from before any Python has none."""
    if not stack:
        return "outside Python"
    function, file, _ = stack[0]
    return f"{'/'.join(Path(file).parts[-2:])}: {function}"


def _published(page: str) -> str:
    """Return ``page`` without the folders of this machine: results are shown to others."""
    folders = {
        sysconfig.get_path("purelib"): "site-packages",
        sys.prefix: "environment",
        sys.base_prefix: "python",
        str(Path(systems.__path__[0]).parent): "fourgig",
    }
    for folder in sorted(folders, key=len, reverse=True):
        page = page.replace(folder, folders[folder])
    return page
