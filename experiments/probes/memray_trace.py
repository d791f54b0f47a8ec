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
from experiments.records import Part


@contextmanager
def trace(part: Part, work_dir: Path) -> Iterator[None]:
    """Trace what runs inside into ``part``: peak bytes, allocations, and a flame graph as an artifact."""
    import memray

    capture, graph = work_dir / "trace.bin", work_dir / "flamegraph.html"
    with memray.Tracker(capture):
        yield
    reader = memray.FileReader(capture)
    mapped = {memray.AllocatorType.MMAP, memray.AllocatorType.MUNMAP}
    heap_peak = mapped_peak = 0
    for record in reader.get_high_watermark_allocation_records(merge_threads=True):
        if memray.AllocatorType(record.allocator) in mapped:
            mapped_peak += record.size
        else:
            heap_peak += record.size
    part.values["heap_peak_bytes"] = float(heap_peak)
    part.values["mapped_peak_bytes"] = float(mapped_peak)
    part.values["allocations"] = float(reader.metadata.total_allocations)
    # --no-web: the page must work on a machine without a network, and years from now.
    subprocess.run(
        [sys.executable, "-m", "memray", "flamegraph", "--no-web", "--force", "-o", str(graph), str(capture)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    graph.write_text(_published(graph.read_text("utf-8")), "utf-8")
    part.artifacts["flamegraph"] = graph.name


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
