"""The figure of patterns of making relevance, from invented records: what it says must follow from the trials."""

from experiments import load_run
from experiments.measuring.records import Part
from experiments.report import drawing
from experiments.report.figures.research import embeddings
from experiments.report.scene import UnknownStudy, scene
from tests.experiments.analysis import synthetic

MIB = 2**20


def trial(subject, seconds, delay_s, mib, *, work="minilm", block=0, requests=8):
    condition = {"part": "embeddings", "work": work, "requests": requests, "texts": 12, "processors": 2}
    spec = synthetic.spec("research", subject, block, condition=condition, engine=None)
    part = Part(
        role="subject",
        requests=[synthetic.row(seconds)],
        loop_delay_s=[delay_s],
        values={"relevance_peak_anonymous_bytes": mib * MIB, "relevance_start_s": 0.5, "relevance_processes": 1},
    )
    return synthetic.record(spec, part)


def drawn(folder, records):
    run = load_run(synthetic.write(folder / "run", records))
    with drawing.style():
        return embeddings.draw(scene(run, "research", UnknownStudy(references=("in-loop",))))


def test_the_title_and_the_table_say_what_was_measured(tmp_path):
    records = [
        trial(subject, seconds, delay_s, mib, work=work, block=block)
        for block in range(2)
        for work in ("minilm", "terms")
        for subject, seconds, delay_s, mib in (
            ("in-loop", 2.0, 1.9, 100),
            ("thread", 2.0, 0.01, 100),
            ("processes", 1.5, 0.005, 250),
            ("shared", 2.0, 0.005, 150),
        )
    ]
    [figure] = drawn(tmp_path, [*records, trial("thread", 0.1, 0.001, 90, requests=1)])
    title = figure.title.replace("\N{NO-BREAK SPACE}", " ")
    assert "8 requests" in title
    assert "75 %" in title
    assert "2.5 times" in title
    assert ("minilm", "a pool of processes", "1.50", "5.00", "250") in figure.data
    assert len(figure.data) == 9


def test_patterns_that_were_not_measured_are_left_out(tmp_path):
    [figure] = drawn(tmp_path, [trial("thread", 2.0, 0.01, 100, work="terms")])
    assert [row[:2] for row in figure.data[1:]] == [("terms", "a thread")]


def test_without_records_nothing_is_drawn(tmp_path):
    other = synthetic.spec("research", "thread", condition={"part": "saving"}, engine=None)
    assert drawn(tmp_path, [synthetic.record(other, Part(role="subject", requests=[synthetic.row(1.0)]))]) == []
