from __future__ import annotations

import base64
import hashlib
import os
import random
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from experiments.analysis import claims
from experiments.errors import RunFolderError, StorageError
from experiments.measuring.records import Outcome, Part, Record
from experiments.report.build import build
from experiments.report.scene import UnknownStudy
from tests.experiments.analysis import synthetic

STUDIES = {
    "isolation": UnknownStudy(
        "Is it isolated?", ("serial", "baseline"), ("total_time", "measured_over_law"), ("total_time",)
    ),
    "lazy-loading": UnknownStudy("Is it lazy?", ("baseline",), ("time_to_ready",)),
    "memory": UnknownStudy("Does it remember?", ("fifo", "like", "baseline"), ()),
    "load": UnknownStudy("Does it carry?", ("baseline",), ("throughput", "success_rate")),
}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EVIL = "</title><script>alert('x')</script>--><b onclick=\"x\">&amp;$x_{$"


class Page(HTMLParser):
    """Notes what a browser would meet: elements, their attributes, and the text outside style sheets and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag not in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(folder: Path, made: list[Record], known: Any = STUDIES, **info: Any) -> Page:
    return Page(build(synthetic.write(folder, made, **info), known).read_text())


def lookups(blocks: int) -> list[Record]:
    """Return records of which few figures are made."""
    made = synthetic.memory(blocks, random.Random(7))
    return [one for one in made if one.spec.condition.get("part") == "retrieval"]


@pytest.fixture(scope="module")
def three_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = synthetic.write(tmp_path_factory.mktemp("run"), synthetic.everything(3))
    build(folder, STUDIES)
    return folder


@pytest.fixture(scope="module")
def six_blocks(tmp_path_factory: pytest.TempPathFactory) -> Page:
    made = synthetic.armed(synthetic.isolation(6, random.Random(7)))
    return page(tmp_path_factory.mktemp("run"), made, blocks=6)


@pytest.mark.parametrize("name", ["report.html", "claims.html"])
def test_a_page_is_self_contained_and_runs_its_own_script_only(three_blocks: Path, name: str) -> None:
    html = (three_blocks / name).read_text()
    found = Page(html)
    assert not {tag for tag, _ in found.tags} & {"link", "img", "iframe", "object"}
    assert not [attributes for _, attributes in found.tags if "src" in attributes]
    [policy] = [str(meta["content"]) for meta in found.all("meta") if "http-equiv" in meta]
    [script] = [piece.split("</script>")[0] for piece in html.split("<script>")[1:]]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_in_a_browser_tables_can_be_sorted_and_filtered(three_blocks: Path, tmp_path: Path) -> None:
    address = (three_blocks / "report.html").as_uri()
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom")
    done = subprocess.run([str(CHROMIUM), *options, address], capture_output=True, check=True, timeout=60)
    found = Page(done.stdout.decode())
    sortable = [table for table in found.all("table") if table.get("class") == "sortable"]
    assert len([field for field in found.all("input") if field["type"] == "search"]) == len(sortable) > 0
    assert len(found.all("button")) >= 4 * len(sortable)


@pytest.mark.parametrize("name", ["report.html", "claims.html"])
def test_a_page_can_be_heard(three_blocks: Path, name: str) -> None:
    found = Page((three_blocks / name).read_text())
    images = [attributes for tag, attributes in found.tags if attributes.get("role") == "img"]
    assert len(images) == len(found.all("figure")) > 8
    assert all(image["aria-label"] for image in images)
    assert all(head["scope"] in ("col", "row", "rowgroup") for head in found.all("th"))
    levels = [int(tag[1]) for tag, _ in found.tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert {"header", "main"} <= {tag for tag, _ in found.tags}
    identifiers = {attributes["id"] for _, attributes in found.tags if "id" in attributes}
    assert {str(part["aria-labelledby"]) for part in found.all("section")} <= identifiers
    inside = {str(link["href"])[1:] for link in found.all("a") if str(link["href"]).startswith("#")}
    assert inside <= identifiers


def test_identifiers_do_not_clash_between_the_figures_of_a_page(three_blocks: Path) -> None:
    found = Page((three_blocks / "report.html").read_text())
    identifiers = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_figures_and_tables_lie_beside_the_page(three_blocks: Path) -> None:
    assert {path.suffix for path in (three_blocks / "figures").iterdir()} == {".svg"}
    ratios = pd.read_csv(three_blocks / "tables" / "isolation-ratios.csv")
    assert ratios["low"].isna().all()
    assert ratios["labels"].str.contains("sleeps shortened").any()


@pytest.mark.long
def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, lookups(2))
    build(folder, STUDIES)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in paths]
    build(folder, STUDIES)
    assert [path.read_bytes() for path in paths] == before


def test_sections_that_are_made_beside_each_other_give_the_same_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [*lookups(1), *(synthetic.record(synthetic.spec("isolation", name)) for name in ("serial", "baseline"))]
    folder = synthetic.write(tmp_path, made)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    pages = []
    for many in (len(made) + 1, len(made)):
        monkeypatch.setattr("experiments.report.build._MANY", many)
        build(folder, STUDIES)
        pages.append({path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert pages[0] == pages[1]


def test_few_blocks_are_indicative_and_show_no_interval(three_blocks: Path) -> None:
    text = Page((three_blocks / "report.html").read_text()).text
    assert "Indicative only: 3 blocks" in text
    assert ", 95 % interval" not in text


@pytest.mark.long
def test_six_blocks_show_intervals_and_the_verdict_of_the_model_comes_first(tmp_path: Path) -> None:
    made = synthetic.of_a_real_model(synthetic.armed(synthetic.isolation(6, random.Random(7))))
    text = page(tmp_path, made, blocks=6).text
    assert "Indicative only" not in text
    assert ", 95 % interval" in text
    _, verdict, rest = re.split(r"The verdict, where a real model ran|What should I do\?", text)
    assert "5 users at once, inference" in verdict
    assert "(no model)" not in verdict
    conclusions, rest = rest.split("The conclusions", 1)[1].split("Is it isolated?", 1)
    apart = conclusions.split("Without a real model", 1)[1]
    assert "50 sleeping requests, 7 threads (no model)" in apart
    assert "times better (" in apart and ") in total time" in apart
    assert "95 % intervals on either side, 6 complete blocks" in conclusions
    assert "the same" not in conclusions
    assert "Every comparison" in rest


def test_advice_and_the_map_lead_to_their_evidence_and_say_what_is_not_known(six_blocks: Page) -> None:
    advice = six_blocks.text.split("What should I do?", 1)[1].split("The map: which decision helps where", 1)
    assert "Fifty users at once" in advice[0]
    assert "Not measured." in advice[0].split("Fifty users at once", 1)[1].split("Long memories", 1)[0]
    assert "blocking work on six threads" in advice[0]
    assert "Not measured in these records:" in advice[1]
    evidence = [link for link in six_blocks.all("a") if str(link.get("aria-label")).startswith("Evidence: ")]
    assert evidence and {link["href"] for link in evidence} == {"#isolation"}


def test_labels_stand_on_every_table_made_from_such_trials(three_blocks: Path) -> None:
    html = (three_blocks / "report.html").read_text()
    captions = [piece.split("</caption>")[0] for piece in html.split("<caption>")[1:]]
    sleeping = [caption for caption in captions if "work=sleep" in caption]
    simulated = [caption for caption in captions if "work=simulation" in caption]
    assert sleeping and all("sleeps shortened from 100 ms to 50 ms" in caption for caption in sleeping)
    assert simulated and all("simulated engine: no model ran" in caption for caption in simulated)


@pytest.mark.long
def test_a_run_without_limits_says_so_loudly(tmp_path: Path) -> None:
    found = page(tmp_path, synthetic.everything(1)[:5], enforced=False)
    assert "The limits were NOT enforced" in found.text
    assert [attributes for attributes in found.all("p") if attributes.get("class") == "banner loud"]


def test_one_trial_without_limits_is_enough_to_say_so(tmp_path: Path) -> None:
    first, *rest = synthetic.everything(1)[:5]
    first.enforced = False
    text = page(tmp_path, [first, *rest]).text
    assert "The limits were NOT enforced" in text
    assert "limits were not enforced" in text.split("Measures", 1)[1]


def test_a_condition_with_many_subjects_takes_several_tables_each_with_the_reference(three_blocks: Path) -> None:
    html = (three_blocks / "report.html").read_text()
    tables = [
        piece.split("</thead>")[0]
        for piece in html.split("<table>")[1:]
        if "work=sleep, requests=50" in piece.split("</caption>")[0]
    ]
    assert len(tables) == 2
    assert all('<th scope="col">serial</th>' in table for table in tables)


def test_meaningless_words_and_missing_trials_are_said(tmp_path: Path) -> None:
    text = page(tmp_path, synthetic.everything(1)[:5], planned=9).text
    assert "its words are meaningless" in text
    assert "5 of 9 planned trials" in text


def test_a_run_without_records_says_that_nothing_was_measured(tmp_path: Path) -> None:
    text = page(tmp_path, []).text
    assert "This run holds no records" in text
    assert text.count("No trial of this study was recorded.") == 4


def test_a_run_of_failures_tells_how_each_ended_and_why(tmp_path: Path) -> None:
    made = []
    for one in synthetic.everything(1):
        failed = synthetic.record(one.spec, outcome=Outcome.OUT_OF_MEMORY, reason="1 kernel kill was counted")
        made.append(failed)
    text = page(tmp_path, made).text
    assert "No trial of this run ended well" in text
    assert "1 kernel kill was counted" in text
    assert "out-of-memory" in text


def test_uneven_losses_forbid_a_verdict(tmp_path: Path) -> None:
    trials = [synthetic.spec("load", subject, block) for subject in ("baseline", "asynchronous") for block in (0, 1)]
    made = [synthetic.record(trial, Part(role="client", requests=[synthetic.row(1.0)])) for trial in trials]
    made[0].outcome = Outcome.TIMED_OUT
    assert "baseline lost 1 of 2 (timed-out)" in page(tmp_path, made).text
    assert "no reason was recorded" in page(tmp_path, made).text


@pytest.mark.parametrize("part", ["retrieval", pytest.param(None, marks=pytest.mark.long)])
def test_text_from_records_is_never_markup(tmp_path: Path, part: str | None) -> None:
    made = []
    for one in synthetic.everything(1):
        if one.spec.study != "memory" or part not in (None, one.spec.condition.get("part")):
            continue
        spec = msgspec.structs.replace(one.spec, labels=(EVIL,), subject=EVIL + one.spec.subject)
        made.append(synthetic.record(spec, *one.parts))
    made[0].outcome, made[0].reason = Outcome.CRASHED, EVIL
    info = {"run_id": EVIL, "environment": {EVIL: EVIL}, "preset": EVIL, "studies": ("memory", EVIL)}
    found = page(tmp_path, made, **info)
    assert len(found.all("script")) == 1
    assert not [attributes for _, attributes in found.tags if "onclick" in attributes]
    assert "alert('x')" in found.text
    assert "alert('x')" not in (tmp_path / "report.html").read_text().split("<script>")[1]


def test_links_lead_only_to_files_of_the_run(tmp_path: Path) -> None:
    addresses = {"a": "artifacts/graph.html", "b": "javascript:alert(1)", "c": "../../secret", "d": "/etc/passwd"}
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "graph.html").write_text("")
    trial = synthetic.spec("memory", "baseline", condition={"part": "memray", "turns": 2}, traced=True)
    made = synthetic.record(trial, Part(role="subject", values={"heap_peak_bytes": 1.0}, artifacts=addresses))
    found = page(tmp_path, [made])
    links = {attributes["href"] for attributes in found.all("a") if not str(attributes["href"]).startswith("#")}
    assert links == {"./artifacts/graph.html", "./claims.html", "./claims.html#documents"}
    assert found.text.count("the file is not beside this report") == 3


def test_a_study_that_is_not_installed_is_shown_without_comparison(tmp_path: Path) -> None:
    made = synthetic.record(synthetic.spec("strange", "x"), Part(role="subject", requests=[synthetic.row(2.0)]))
    text = page(tmp_path, [made], {}).text
    assert "not installed here" in text
    assert "Total time" in text


def test_the_installed_studies_are_asked_when_none_are_given(tmp_path: Path) -> None:
    from experiments.measuring.study import studies

    assert studies.get("memory").question in page(tmp_path, lookups(1), None).text


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.everything(1)[:3])
    (folder / "figures").write_text("in the way")
    (folder / "tables").write_text("in the way")
    with pytest.raises(StorageError, match="Cannot make the folder"):
        build(folder, STUDIES)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        build(tmp_path, STUDIES)


def test_a_claims_part_of_the_page_has_its_figure_its_data_and_its_command(three_blocks: Path) -> None:
    html = (three_blocks / "claims.html").read_text()
    found = Page(html)
    identifiers = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    part = html.split('<h2 id="S0-time">')[1].split("</section>")[0]
    assert "<svg" in part
    assert "block by block" in part
    assert "fourgig run isolation --systems baseline,asynchronous" in part
    assert "inconclusive" in part and "3 of at least 6 complete blocks" in part
    assert "not measured: an agent has no assets to deliver" in found.text
    rows = pd.read_csv(three_blocks / "tables" / "claims.csv")
    assert set(rows["claim"]) == set(claims.load())
    assert set(rows.loc[rows["blocks"] > 0, "verdict"]) == {"inconclusive"}
