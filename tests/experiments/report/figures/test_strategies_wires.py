"""The figures of the parts about wires, from invented records: what they say must follow from the trials."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from experiments import load_run
from experiments.measuring.records import Part, Record
from experiments.report import drawing
from experiments.report.drawing import Drawn
from experiments.report.figures.strategies import connections, deflate, fetches, json_reading
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic

REFERENCES = ("uncompressed", "new-connection", "read-whole", "one-after-another")


def trial(
    condition: dict[str, Any],
    subject: str,
    block: int,
    seen: dict[str, float],
    of_client: dict[str, float] | None = None,
) -> Record:
    spec = synthetic.spec("strategies", subject, block, condition=condition, engine=None)
    client = [] if of_client is None else [Part(role="client", values=of_client)]
    return synthetic.record(spec, Part(role="subject", values=seen), *client)


def drawn(module: ModuleType, folder: Path, records: Iterable[Record]) -> dict[str, Drawn]:
    run = load_run(synthetic.write(folder / "run", list(records)))
    with drawing.style():
        shown = scene(run, "strategies", UnknownStudy(references=REFERENCES))
        return {each.name: each for each in module.draw(shown)}


def title(figure: Drawn) -> str:
    return figure.title.replace("\N{NO-BREAK SPACE}", " ")


def test_the_change_in_bytes_is_told_of_each_kind_of_messages(tmp_path: Path) -> None:
    def sent(frames: str, way: str, block: int, wire: float) -> Record:
        seen = {"before_bytes": 0.0, "served_bytes": 40_960.0, "opened_cpu_s": 1.0, "served_cpu_s": 1.5}
        condition = {"part": "deflate", "frames": frames}
        return trial(condition, way, block, seen, {"connections": 2.0, "replies": 10.0, "wire_bytes": wire})

    made = [
        sent(frames, way, block, wire)
        for block in range(6)
        for frames, dropped in (("tokens", 890.0), ("replies", 600.0))
        for way, wire in (("uncompressed", 1000.0), ("context-dropped", dropped), ("context-kept", 500.0))
    ]
    figure = drawn(deflate, tmp_path, made)["strategies-deflate"]
    told = "−11.0 % of a frame a token, −40.0 % of whole replies"
    assert title(figure) == f"Deflated each message by itself, bytes on the wire change by {told}"
    assert "claim-S2-deflate-0" in figure.svg.decode()
    assert ("a frame a token", "deflated, 4 KiB window kept", "−50.0", "20.0", "50.0") in figure.data


def request(way: str, block: int, ms: float, *, drops: str = "none", answered: float = 100.0) -> Record:
    condition = {"part": "connections", "speaks": "http", "tls": False, "at_once": 1, "drops": drops}
    condition |= {"requests": 100, "rounds": 1 if drops == "none" else 3}
    seen = {"opened_cpu_s": 1.0, "served_cpu_s": 1.1}
    values = {"requests": 100.0, "answered": answered, "answered_s": answered * ms / 1000, "answered_p99_s": ms / 500}
    return trial(condition, way, block, seen, values | {"opened": 1.0, "asking_cpu_s": 0.1})


def test_what_a_pool_saves_and_what_a_careless_one_loses(tmp_path: Path) -> None:
    made = [
        each
        for block in range(6)
        for each in (
            request("new-connection", block, 4.0),
            request("pooled", block, 1.0),
            request("new-connection", block, 4.0, drops="closed"),
            request("unchecked", block, 1.0, drops="closed", answered=90.0),
        )
    ]
    found = drawn(connections, tmp_path, made)
    assert set(found) == {"strategies-connections", "strategies-connections-dead"}
    saved, dead = found["strategies-connections"], found["strategies-connections-dead"]
    assert title(saved) == "Pooled connections change the time of a request by −75.0 % (HTTP, one at a time)"
    assert "claim-S2-connpool-0" in saved.svg.decode()
    assert title(dead) == ("Requests answered by pools whose connections die: closed by the server 90 % unchecked")
    assert ("closed by the server", "pooled, unchecked", "90.0", "2.00") in dead.data


def test_what_a_byte_of_json_holds_and_what_is_read_in_tight_limits(tmp_path: Path) -> None:
    def read(way: str, block: int, grows: float, **condition: Any) -> Record:
        sizes = {"small_bytes": 1e6, "large_bytes": 4e6}
        seen = {"small_peak_bytes": 1e6, "large_peak_bytes": 1e6 + 3e6 * grows, "large_read_s": 0.5}
        killed = bool(condition) and way == "read-whole"
        return trial({"part": "json", "megabytes": 4, **condition}, way, block, sizes | ({} if killed else seen))

    ways = (("read-whole", 5.0), ("streamed", 0.02))
    made = [read(way, block, grows) for block in range(6) for way, grows in ways]
    made += [read(way, 0, grows, profile="512mb") for way, grows in ways]
    figure = drawn(json_reading, tmp_path, made)["strategies-json"]
    told = "5.0 read whole, 0.020 streamed a record at a time"
    assert title(figure) == f"Bytes of memory that a byte of JSON takes: {told}"
    assert [row[-1] for row in figure.data] == ["read within tight limits (%)", "0", "100"]


def test_the_change_is_told_over_the_delay_of_a_page(tmp_path: Path) -> None:
    def fetched(way: str, block: int, delay: int, took_s: float) -> Record:
        condition = {"part": "fetches", "addresses": 10, "hosts": 10, "mean_ms": delay}
        return trial(condition, way, block, {"fetch_s": took_s, "pages_served": 10.0, "pages_had": 10.0})

    made = [
        fetched(way, block, delay, took_s)
        for block in range(6)
        for delay, changed in ((0, 1.1), (20, 0.15))
        for way, took_s in (("one-after-another", 1.0), ("tasks", changed))
    ]
    figure = drawn(fetches, tmp_path, made)["strategies-fetches"]
    assert title(figure) == (
        "10 pages at once instead of one after another change the time by +10.0 % at 0 ms, −85.0 % at 20 ms"
    )
    assert "claim-S4-async-0" in figure.svg.decode()


def test_without_records_nothing_is_drawn(tmp_path: Path) -> None:
    other = trial({"part": "caches"}, "none", 0, {})
    for module in (deflate, connections, json_reading, fetches):
        assert drawn(module, tmp_path / module.__name__.rpartition(".")[2], [other]) == {}
