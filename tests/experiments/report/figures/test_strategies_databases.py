"""The figures of the parts that ask PostgreSQL, from invented records: what they say must follow from the trials."""

import pytest

from experiments import load_run
from experiments.measuring.records import Part
from experiments.report import drawing
from experiments.report.figures.strategies import database_pool, projection, time_ranges, upkeep
from experiments.report.scene import UnknownStudy, scene
from experiments.workloads.events import RANGES
from experiments.workloads.memories import SIZES
from tests.experiments.analysis import synthetic

MIB = 2**20
REFERENCES = ("no-index", "connect-each", "read-all", "never-vacuumed", "work-mem-4")


def trial(part, subject, block, values, series=None, requests=(), **condition):
    spec = synthetic.spec("strategies", subject, block, condition={"part": part, **condition}, engine=None)
    noted = Part(role="subject", values=values, series=series or {}, requests=list(requests))
    return synthetic.record(spec, noted)


def drawn(draw, folder, made):
    run = load_run(synthetic.write(folder / "run", made))
    with drawing.style():
        return {each.name: each for each in draw(scene(run, "strategies", UnknownStudy(references=REFERENCES)))}


def plain(words):
    return words.replace("\N{NO-BREAK SPACE}", " ")


def ranges(subject, block, order, times):
    """Return a trial in which an hour is found so many times as fast as without an index, and all in the same time."""
    found = {f"range_s_{name}": 0.1 / (times if name == "1h" else 1.0) for name in RANGES}
    size = {"btree": 11.0 * MIB, "brin": 24_576.0}.get(subject, 0.0)
    costs = {"range_index_bytes": size, "range_preparing_s": 2.0, "range_append_s": 0.02}
    return trial("time-ranges", subject, block, {**found, **costs}, rows=500_000, order=order)


def test_ranges_of_time_are_told_as_times_as_fast_with_what_the_index_takes(tmp_path):
    made = [
        ranges(subject, block, order, times)
        for block in range(6)
        for order, ways in (
            ("in order", {"no-index": 1, "btree": 400, "brin": 80, "partitions": 20}),
            ("shuffled", {"no-index": 1, "btree": 50, "brin": 1}),
        )
        for subject, times in ways.items()
    ]
    found = drawn(time_ranges.draw, tmp_path, made)
    speed, costs = found["strategies-time-ranges"], found["strategies-time-ranges-costs"]
    assert speed.title.startswith("A block-range index is 80 times as fast as none for an hour")
    svg = speed.svg.decode()
    assert all(f"claim-{claim}-{panel}" in svg for claim in ("S2-brin", "S2-partition") for panel in (0, 1))
    assert ("rows shuffled", "B-tree", "1 h", "50.00") in speed.data
    assert plain(costs.title) == "The block-range index takes 24.0 KiB where the B-tree takes 11.0 MiB"
    assert {row[0]: row[1] for row in costs.data[1:]}["no index"] == "none"


def test_a_pool_is_told_by_the_change_of_both_times(tmp_path):
    made = [
        trial(
            "database-pool", subject, block, {"database_held_bytes": 80.0 * MIB}, {"connection_s": [wait_s] * 4},
            [synthetic.row(wait_s + 0.002)], users=users, login="password",
        )
        for block in range(6)
        for users in (1, 16)
        for subject, wait_s in (("connect-each", 0.008), ("pool-20", 0.0008), ("pool-2", 0.004))
        if subject != "pool-2" or users == 16
    ]  # fmt: skip
    found = drawn(database_pool.draw, tmp_path, made)["strategies-database-pool"]
    assert plain(found.title) == (
        "With a pool of 20, 16 users have a connection after 800 µs, without one after 8.00 ms; "
        "and their answer after 2.80 ms and 10.0 ms"
    )
    assert found.data[-1] == ("16 users, pool of 20", "−90.000", "−72.000")
    assert [row[0] for row in found.data[1:]] == ["1 user, pool of 20", "16 users, pool of 2", "16 users, pool of 20"]
    assert "claim-S2-dbpool-0" in found.svg.decode()


def test_retrieval_is_told_of_the_most_memories(tmp_path):
    made = [
        trial(
            "projection", subject, block,
            {f"retrieval_s_{name}": each_s * size for name, size in SIZES.items() if size <= 10_000}
            | {f"retrieval_bytes_{name}": 2_000.0 * size for name, size in SIZES.items() if size <= 10_000},
            memories=10_000,
        )
        for block in range(2)
        for subject, each_s in (("read-all", 1e-5), ("indexed-projected", 1e-7))
    ]  # fmt: skip
    [found] = drawn(projection.draw, tmp_path, made).values()
    assert plain(found.title).startswith("Of 10,000 memories an agent's ten newest take 1.00 ms")
    assert plain(found.title).endswith("100 ms when all are read")


def test_upkeep_has_a_figure_a_case(tmp_path):
    vacuum = [
        trial(
            "upkeep", subject, 0,
            {"upkeep_read_s": read_s, "upkeep_table_bytes": 5.0 * MIB, "upkeep_write_s": 1.0, "upkeep_vacuum_s": 0.0},
            case="vacuum", states=5_000, times=20,
        )
        for subject, read_s in (("never-vacuumed", 0.02), ("vacuumed", 0.002))
    ]  # fmt: skip
    sort = [
        trial(
            "upkeep", subject, 0,
            {"upkeep_sort_s": sort_s, "upkeep_sort_bytes": 9.0 * MIB, "upkeep_spilled_bytes": 0.0},
            case="sort", rows=200_000, sessions=sessions,
        )
        for sessions in (1, 4)
        for subject, sort_s in (("work-mem-4", 1.0 * sessions), ("work-mem-64", 0.25 * sessions))
    ]  # fmt: skip
    found = drawn(upkeep.draw, tmp_path, [*vacuum, *sort])
    assert set(found) == {"strategies-upkeep-vacuum", "strategies-upkeep-sort"}
    told = plain(found["strategies-upkeep-vacuum"].title)
    assert told == "After 20 versions of 5,000 states reading them takes 20.0 ms unless vacuumed, 2.00 ms if"
    told = plain(found["strategies-upkeep-sort"].title)
    assert told.startswith("4 sessions that sort 200,000 rows at once take 4.00 s with 4 MiB")
    assert len(found["strategies-upkeep-sort"].data) == 3


@pytest.mark.parametrize("part", [time_ranges, database_pool, projection, upkeep])
def test_without_records_or_without_the_reference_no_change_is_drawn(part, tmp_path):
    other = trial("deflate", "whole", 0, {"bytes": 1.0})
    assert drawn(part.draw, tmp_path, [other]) == {}
    alone = [
        ranges("brin", 0, "in order", 2),
        trial("database-pool", "pool-20", 0, {}, {"connection_s": [0.1]}, users=1, login="password"),
    ]
    found = drawn(part.draw, tmp_path / "alone", alone)
    assert set(found) <= {"strategies-time-ranges-costs"}
