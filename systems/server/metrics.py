"""What the server counts, in the format of Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from systems.interface import Counters, SystemMetric

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counts turns by outcome and duration; reads the system's counters, its ``own`` metrics, and ``now``, when asked.

    ``now`` gives the open WebSockets, the turns under way, and the share of the memory that is in use.
    """

    def __init__(
        self,
        counters: Callable[[], Counters],
        own: Callable[[], list[SystemMetric]],
        now: Callable[[], tuple[int, int, float]],
    ) -> None:
        self._registry = CollectorRegistry()
        self._turns = Histogram(
            "fourgig_turn_seconds",
            "How long turns took, by what became of them: ok, or the error's type.",
            ("outcome",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_Readings(counters, own, now))

    def add(self, collector: Collector) -> None:
        """Have ``collector`` asked as well."""
        self._registry.register(collector)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Count what happens inside as one turn."""
        began, outcome = time.perf_counter(), "ok"
        try:
            yield
        except BaseException as error:
            outcome = "ClientLeft" if isinstance(error, asyncio.CancelledError) else type(error).__name__
            raise
        finally:
            self._turns.labels(outcome).observe(time.perf_counter() - began)

    def text(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Readings(Collector):
    def __init__(
        self,
        counters: Callable[[], Counters],
        own: Callable[[], list[SystemMetric]],
        now: Callable[[], tuple[int, int, float]],
    ) -> None:
        self._counters = counters
        self._own = own
        self._now = now

    def collect(self) -> Iterable[Metric]:
        connections, turns, memory = self._now()
        yield GaugeMetricFamily("fourgig_connections", "Open WebSockets.", connections)
        yield GaugeMetricFamily("fourgig_turns_under_way", "Turns that are being answered or wait for it.", turns)
        yield GaugeMetricFamily("fourgig_memory_used_ratio", "Share of the usable memory that is in use.", memory)
        for name, value in msgspec.structs.asdict(self._counters()).items():
            yield CounterMetricFamily(f"fourgig_system_{name}", f"The system's own count: {name}.", value)
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for each in self._own():
            if each.name not in families:
                family = CounterMetricFamily if each.counted else GaugeMetricFamily
                families[each.name] = family(f"fourgig_{each.name}", each.says, labels=list(each.labels))
            families[each.name].add_metric(list(each.labels.values()), each.value)
        yield from families.values()
