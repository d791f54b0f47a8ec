"""A memray trace of a stretch of code: what the heap held at its peak, apart from what was mapped.

Never used in a timing trial. memray counts every mapping as an allocation, a mapped model included, so mappings are
reported apart.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from experiments.measuring.probes.untraced import Untraced
from experiments.measuring.published import published
from experiments.measuring.records import Allocator, Frame, Part

TOP = 12
"""How many of the largest allocators a record keeps."""

LEAST_SHARE = 0.01
"""The least share of the heap that a function in a record's flame graph held: the rest cannot be seen."""

# How Python gets from one function of interest to the next: in every stack, and nobody's choice.
_PLUMBING = ("/<", "/asyncio/", "/concurrent/", "/runpy.py", "/threading.py", "/contextlib.py")


@contextmanager
def trace(part: Part, work_dir: Path) -> Iterator[None]:
    """Trace what runs inside into ``part``: peak bytes, allocations, and a flame graph as an artifact.

    Processes that are forked meanwhile are traced too, each from its fork on, and added to the figures: each with its
    own peak. One that was started by exec, or was killed before it had written anything, is only counted.
    """
    import memray

    capture, graph = work_dir / "trace.bin", work_dir / "flamegraph.html"
    with Untraced() as untraced, memray.Tracker(capture, follow_fork=True):
        yield
    traced = _Traced(capture)
    lost = 0
    for forked in sorted(work_dir.glob(f"{capture.name}.*")):
        try:
            traced.add(_Traced(forked))
        except OSError:
            lost += 1
    allocators = [
        Allocator(place=place, size_bytes=size, allocations=count, mapped=mapped)
        for (place, mapped), (size, count) in traced.places.items()
    ]
    part.values["heap_peak_bytes"] = float(sum(one.size_bytes for one in allocators if not one.mapped))
    part.values["mapped_peak_bytes"] = float(sum(one.size_bytes for one in allocators if one.mapped))
    part.values["allocations"] = float(traced.allocations)
    part.values["untraced_processes"] = float(len(untraced.seen) + lost)
    part.allocators = sorted(allocators, key=lambda one: -one.size_bytes)[:TOP]
    part.flames = flames(traced.stacks)
    # --no-web: the page must work on a machine without a network, and years from now.
    subprocess.run(
        [sys.executable, "-m", "memray", "flamegraph", "--no-web", "--force", "-o", str(graph), str(capture)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    graph.write_text(published(graph.read_text("utf-8")), "utf-8")
    part.artifacts["flamegraph"] = graph.name


class _Traced:
    """What one process held at its heap's peak, by place and by stack. Raises OSError where the capture holds none."""

    def __init__(self, capture: Path) -> None:
        import memray

        reader = memray.FileReader(capture)
        self.allocations: int = reader.metadata.total_allocations
        self.places: dict[tuple[str, bool], list[int]] = {}
        self.stacks: Counter[tuple[str, ...]] = Counter()
        for record in reader.get_high_watermark_allocation_records(merge_threads=True):
            mapped = memray.AllocatorType(record.allocator) in (memray.AllocatorType.MMAP, memray.AllocatorType.MUNMAP)
            stack = record.stack_trace()
            self._note((_place(stack), mapped), record.size, record.n_allocations)
            if not mapped:
                self.stacks[_calls(stack)] += record.size

    def add(self, other: _Traced) -> None:
        """Add what another process held."""
        self.allocations += other.allocations
        self.stacks += other.stacks
        for place, (size, count) in other.places.items():
            self._note(place, size, count)

    def _note(self, place: tuple[str, bool], size: int, count: int) -> None:
        held = self.places.setdefault(place, [0, 0])
        held[0] += size
        held[1] += count


def flames(stacks: Mapping[tuple[str, ...], int]) -> Frame:
    """Return the flame graph of ``stacks``, each from the outermost call inwards, with the bytes that it held."""
    return _frame("everything", list(stacks.items()), LEAST_SHARE * sum(stacks.values()))


def _frame(place: str, stacks: Sequence[tuple[tuple[str, ...], int]], least: float) -> Frame:
    below: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for stack, size in stacks:
        if stack:
            below.setdefault(stack[0], []).append((stack[1:], size))
    calls = [_frame(name, inner, least) for name, inner in below.items() if sum(size for _, size in inner) >= least]
    size = sum(size for _, size in stacks)
    return Frame(place=place, size_bytes=size, calls=tuple(sorted(calls, key=lambda one: (-one.size_bytes, one.place))))


def _calls(stack: Sequence[tuple[str, str, int]]) -> tuple[str, ...]:
    """Return a stack from the outermost call inwards, without the plumbing, and once where a function calls itself."""
    found: list[str] = []
    for function, file, _ in reversed(stack):
        if not any(part in f"/{file}" for part in _PLUMBING):
            place = _place([(function, file, 0)])
            if found[-1:] != [place]:
                found.append(place)
    return tuple(found) or (_place([]),)


def _place(stack: Sequence[tuple[str, str, int]]) -> str:
    """Return the function that allocated, as "folder/file.py: function"; memory from before any Python has none."""
    if not stack:
        return "outside Python"
    function, file, _ = stack[0]
    return f"{'/'.join(Path(file).parts[-2:])}: {function}"
