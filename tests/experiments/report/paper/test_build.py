"""A small text on small runs, through everything from records to PDF; and the paper's own text on the reference run."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path

import msgspec
import pytest

from experiments.analysis import claims
from experiments.analysis.run import Run, load_run
from experiments.measuring.records import Record
from experiments.report import key_comparisons
from experiments.report.drawing import Drawn
from experiments.report.paper import declared, source, tables
from experiments.report.paper.build import SOURCE, Data, build, collected
from experiments.report.paper.declared import Declared, PaperPart
from experiments.report.paper.numbers import NoRecord, Numbers, PartNotMeasured
from experiments.report.scene import Scene
from systems.errors import BadInput, UnknownName
from tests.experiments.analysis import synthetic
from tests.experiments.report import batched_records

TEXT = """#import "layout.typ": *
#show: paper.with(title: "A small paper")
Sleeps take #n("sleeps-3.interval") and inference #n("five-users.change"), which
#by("five-users", helps: [gains], hurts: [loses], same: [stays], open: [is open]).
One took #n("one.median") of #n("one.blocks") blocks. #n("law.50.3") by the law, #n("kept.changed") by a record.
#when("engines")[The engine: #n("batched.ratio").] #when("load")[It says: #titles-of("load")]
#judged("S0-quality", reproduced: [yes], contradicted: [no], otherwise: [unknown])
#compared(group([Sleeps]), row("sleeps-3", [three threads]), row("batched", [an engine]))
#claims-of("isolation") #table-of("sources") #table-of("parts") #table-of("untested")
"""
FIGURE = '#fig("isolation-inference")[A point a block.] #saying("isolation-inference").'
SMALL = ("serial", "offloaded-3", "baseline", "asynchronous")
NUMBERS = r"""
[parts.engines]
title = "the batched engine"
study = "load"
factors = { engines = "ladder" }
figures = ["load-engines"]

[parts.load]
title = "any load"
study = "load"
factors = {}

[parts.asked]
title = "five who ask at once"
study = "isolation"
factors = { work = "inference" }

[factors.asked]
part = "asked"
factor = "requests"

[factors.engines]
part = "engines"
factor = "users"

[factors.none]
part = "asked"
factor = "users"

[levels.one]
study = "isolation"
metric = "total_time"
subject = "asynchronous"
factors = { work = "inference", requests = 5 }

[kept.changed]
record = "results/changed-answers.txt"
at = '^Comparisons: (\d+) now'

[kept.several]
record = "results/recall.txt"
at = '^like +(\d\.\d+)'
share = true

[kept.gone]
record = "results/changed-answers.txt"
at = '^Comparisons: (\d+) tomorrow'

[kept.nowhere]
record = "results/nowhere.txt"
at = '(.)'
"""


def _renamed(record: Record, old: str, new: str) -> Record:
    if record.spec.subject != old:
        return record
    return msgspec.structs.replace(record, spec=msgspec.structs.replace(record.spec, subject=new))


def _is(record: Record, *subjects: str, **factors: object) -> bool:
    return record.spec.subject in subjects and factors.items() <= record.spec.condition.items()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    shutil.copy(SOURCE / "layout.typ", folder)
    (folder / "paper.typ").write_text(TEXT)
    (folder / "numbers.toml").write_text(NUMBERS)
    return folder


@pytest.fixture(scope="module")
def made() -> list[Record]:
    every = synthetic.armed(synthetic.isolation(6, random.Random(1)))
    cells = ({"work": "sleep", "requests": 50}, {"work": "inference", "requests": 5})
    return [one for one in every if any(_is(one, *SMALL, **cell) for cell in cells)]


@pytest.fixture
def gathered(text: Path, tmp_path: Path) -> Callable[[Sequence[Record]], Data]:
    """Return what finds what the small text asks of a run of these records."""
    number = count()

    def gather(records: Sequence[Record]) -> Data:
        return collected(load_run(synthetic.write(tmp_path / f"run-{next(number)}", records, blocks=6)), text)[0]

    return gather


def test_a_run_becomes_a_paper(text: Path, made: list[Record], tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for one in text.iterdir():
        shutil.copy(one, tmp_path / "text")
    (tmp_path / "text" / "paper.typ").write_text(TEXT + FIGURE)
    page = build(synthetic.write(tmp_path / "run", made, blocks=6), tmp_path / "out", tmp_path / "text")
    assert page.read_bytes().startswith(b"%PDF")
    data = msgspec.json.decode((tmp_path / "out" / "data.json").read_bytes(), type=Data)
    assert data.numbers["one.blocks"] == "6"
    assert data.numbers["law.50.3"] == "−66.0\u00a0%"
    assert (data.numbers["sleeps-3.interval"] or "").startswith("×\u00a00.34")
    assert data.conclusions == {"five-users": "helps"}
    ratio, _, conclusion = (data.rows["sleeps-3"] or [])[-3:]
    assert ratio.startswith("× 0.34")
    assert conclusion == "helps"
    told = {claim: figure for claim, _, figure, *_ in data.claims["isolation"] or []}
    assert told["S0-time"].startswith("−57.28 … −84.09")
    assert not set(told) & {claim for claims, _ in data.tables["untested"] or [] for claim in claims.split(", ")}
    picture = data.figures["isolation-inference"]
    assert picture and Path(picture.path).is_file()


def test_another_record_is_another_text(made: list[Record], gathered: Callable[[Sequence[Record]], Data]) -> None:
    def slower(one: Record) -> Record:
        if not _is(one, "asynchronous", work="inference", requests=5):
            return one
        late = [msgspec.structs.replace(row, finished_s=3 * row.finished_s) for row in one.parts[0].requests]
        return msgspec.structs.replace(one, parts=[msgspec.structs.replace(one.parts[0], requests=late)])

    before, after = gathered(made), gathered([slower(one) for one in made])
    assert before.conclusions == {"five-users": "helps"}
    assert after.conclusions == {"five-users": "hurts"}
    assert before.numbers["one.median"] != after.numbers["one.median"]
    assert before.numbers["sleeps-3.interval"] == after.numbers["sleeps-3.interval"]


def test_a_number_without_its_record_is_named_with_what_it_needs(
    made: list[Record], gathered: Callable[[Sequence[Record]], Data]
) -> None:
    kept = [one for one in made if not _is(one, "offloaded-3")]
    with pytest.raises(BadInput) as refused:
        gathered(kept)
    assert (
        "sleeps-3 needs the total time of serial and offloaded-3 in the study isolation where work=sleep, "
        "requests=50, kilobytes=100; the run has no trial of offloaded-3 there"
    ) in str(refused.value)
    assert "five-users" not in str(refused.value)


def test_one_deleted_record_of_the_only_block_makes_it_fail(made: list[Record], text: Path, tmp_path: Path) -> None:
    first = [one for one in made if one.spec.block == 0]
    kept = [one for one in first if not _is(one, "asynchronous", work="inference", requests=5)]
    assert len(kept) == len(first) - 2  # with its twin
    run = synthetic.write(tmp_path / "run", kept, blocks=1)
    with pytest.raises(BadInput, match=r"(?s)five-users needs.*one needs the total time of asynchronous"):
        build(run, tmp_path / "out", text)
    assert not (tmp_path / "out" / "paper.pdf").exists()


def test_a_part_that_was_not_measured_is_said_to_be(
    made: list[Record], gathered: Callable[[Sequence[Record]], Data]
) -> None:
    data = gathered(made)
    assert data.parts["engines"] == "The batched engine was not measured in this run."
    assert data.numbers["batched.ratio"] is None
    assert data.rows["batched"] is None
    assert data.titles == {"load": []}


def test_a_part_that_was_measured_must_be_whole(
    made: list[Record], gathered: Callable[[Sequence[Record]], Data]
) -> None:
    every = [one for one in synthetic.load(1, random.Random(1)) if "engines" in one.spec.condition]
    engines = [_renamed(one, "asynchronous on batched", "asynchronous on batched+prefixes+states") for one in every]
    whole = gathered([*made, *engines])
    assert whole.parts["engines"] == ""
    assert whole.numbers["batched.ratio"]
    without = [one for one in engines if "batched" not in one.spec.subject]
    with pytest.raises(
        BadInput, match="batched needs the throughput of baseline on serial and asynchronous on batched"
    ):
        gathered([*made, *without])


def test_what_a_factor_was_is_said_of_the_trials_of_a_part(made: list[Record], text: Path, tmp_path: Path) -> None:
    numbers = Numbers(load_run(synthetic.write(tmp_path / "run", made, blocks=6)), declared.load(text / "numbers.toml"))
    assert numbers["factor.asked"] == "5"
    with pytest.raises(PartNotMeasured):
        numbers["factor.engines"]
    with pytest.raises(NoRecord, match="the factor users"):
        numbers["factor.none"]


def test_names_that_mean_nothing_are_refused(made: list[Record], text: Path, tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path / "run", made, blocks=6))
    numbers = Numbers(run, declared.load(text / "numbers.toml"))
    for name in (
        "sleep-3.ratio",
        "sleeps-3.ration",
        "run.block",
        "law.x",
        "kept.x",
        "rule.x",
        "factor.x",
        "nothing",
    ):
        with pytest.raises(UnknownName):
            numbers[name]


@pytest.mark.long
def test_every_number_of_the_paper_has_its_record_in_the_reference_run(
    reference_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The figures take a minute: that each is among those of the committed report is tested below.
    monkeypatch.setattr("experiments.report.processors.shared", lambda jobs: [])
    with pytest.raises(BadInput) as refused:
        collected(reference_run)
    missing = str(refused.value).splitlines()[1:]
    assert missing
    assert [why for why in missing if not why.startswith("- The figure ")] == []


def test_a_part_of_one_subject_is_measured_where_that_subject_was_tried(made: list[Record], tmp_path: Path) -> None:
    part = PaperPart(title="both", study="load", factors={"users": 50}, subject="asynchronous-batched")
    closed = list(batched_records.closed(6))
    whole, serial = (
        Numbers(load_run(synthetic.write(tmp_path / name, records, blocks=6)), Declared(parts={"both": part}))
        for name, records in (
            ("whole", closed),
            ("serial", [one for one in closed if one.spec.subject != "asynchronous-batched"]),
        )
    )
    assert whole.has("both")
    assert not serial.has("both")


def test_a_figure_is_found_in_whichever_run_has_it(
    made: list[Record], text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(scene: Scene, titled: bool) -> list[Drawn]:
        name = "isolation-inference" if "asynchronous" in set(scene.trials["subject"]) else "isolation-sleeps"
        return [Drawn(name=name, title=f"{name}.", alt="", data=[], svg=b"")]

    monkeypatch.setattr("experiments.report.figures.draw", draw)
    shutil.copytree(text, tmp_path / "text")
    (tmp_path / "text" / "paper.typ").write_text(FIGURE + ' #titles-of("isolation")')
    inference = [one for one in made if one.spec.condition["work"] == "inference"]
    sleeps = [one for one in made if one.spec.condition["work"] == "sleep"]
    for name, records in (("first", sleeps), ("second", inference)):
        synthetic.write(tmp_path / "runs" / name, records, run_id=name, blocks=6, studies=("isolation",))
    data, drawn = collected(load_run(tmp_path / "runs"), tmp_path / "text")
    assert drawn["isolation-inference"].title == "isolation-inference."
    assert data.titles == {"isolation": ["isolation-sleeps.", "isolation-inference."]}


def test_a_record_beside_the_runs_holds_a_number_or_a_range(made: list[Record], text: Path, tmp_path: Path) -> None:
    run = load_run(synthetic.write(tmp_path / "run", made, blocks=6))
    numbers = Numbers(run, declared.load(text / "numbers.toml"))
    assert numbers["kept.changed"].isdecimal()
    least, most = numbers["kept.several"].split(" … ")
    assert float(least.removesuffix("\u00a0%")) < float(most.removesuffix("\u00a0%"))
    for name in ("gone", "nowhere"):
        with pytest.raises(NoRecord, match=rf"kept\.{name} needs"):
            numbers[f"kept.{name}"]


def test_a_ladder_is_told_by_what_each_mechanism_does(tmp_path: Path) -> None:
    every = [one for one in synthetic.load(6, random.Random(1)) if "ladder" in one.spec.condition]
    run = load_run(synthetic.write(tmp_path / "run", every, blocks=6, studies=("load",)))
    rows = tables.table("ladders", Numbers(run, Declared()))[1:]
    told = {(how, measure): (better, worse) for _, how, measure, better, worse, *_ in rows}
    assert told["added alone", "throughput"][0].startswith("isolation (×\u00a01.1")
    assert told["left out", "throughput"][1].startswith("isolation (×\u00a00.8")


def test_agents_stand_side_by_side_with_where_each_level_is_from(made: list[Record], tmp_path: Path) -> None:
    closed = [one for one in batched_records.closed(6) if one.spec.subject != "baseline" or one.spec.block]
    numbers = Numbers(load_run(synthetic.write(tmp_path / "run", closed, blocks=6, studies=("load",))), Declared())
    header, *rows = tables.table("agents", numbers)
    places = dict(tables.table("agents-places", numbers)[1:])
    assert header[1:] == [column for column, _ in tables.table("agents-columns", numbers)[1:]]
    told = {agent: dict(zip(header[1:], cells, strict=True)) for agent, *cells in rows}
    whole, less = told["asynchronous"]["Throughput"], told["baseline"]["Throughput"]
    found = re.fullmatch(r"[\d.,]+\u00a0/s (\[\w\]) \([\d.,]+\u00a0…\u00a0[\d.,]+\), 6 blocks", whole)
    assert found and places[found[1]].startswith("load, 50 users, the model")
    assert f" {found[1]} (" in less and less.endswith(", least … most of 5 blocks")
    assert told["asynchronous"]["Start"] == "not measured"
    assert set(told["tiered"].values()) == {"not measured"}
    without = Numbers(load_run(synthetic.write(tmp_path / "without", made, blocks=6)), Declared())
    with pytest.raises(NoRecord, match="agents"):
        tables.table("agents", without)


def test_the_paper_tells_each_claim_once_and_draws_what_the_report_has() -> None:
    asked = source.wanted((SOURCE / "paper.typ").read_text())
    assert {claim.study for claim in claims.load().values() if claim.study} <= set(asked["claims-of"])
    report = (SOURCE.parent / "results" / "reference" / "report.html").read_text()
    drawn = dict.fromkeys([*asked["fig"], *asked["saying"]])
    assert [name for name in drawn if f'id="{name}-' not in report] == []


def test_what_is_declared_for_the_paper_is_named_by_it_or_by_a_page() -> None:
    text, pages = ((SOURCE.parent / name).read_text() for name in ("paper/paper.typ", "docs/numbers.toml"))
    asked, known = source.wanted(text), declared.load(SOURCE / "numbers.toml")
    own = [key.name for key in key_comparisons.load() if not key.title]
    named = {name.partition(".")[0] for function in ("n", "by", "row") for name in asked[function]}
    assert [name for name in (*own, *known.levels) if name not in named and f'"{name}.' not in pages] == []
    kinds: dict[str, Iterable[str]] = {"constant": known.constants, "kept": known.kept, "factor": known.factors}
    facts = [f"{kind}.{name}" for kind, names in kinds.items() for name in names]
    assert sorted(set(facts) - set(asked["n"])) == []
    assert sorted(known.parts) == sorted(asked["when"])
    assert [one for one in known.typed if not any(each.search(text) for each in source.phrases([one]))] == []
