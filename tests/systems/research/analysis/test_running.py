"""One interface, three patterns: what each makes of a program that works, and of one that does not."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from systems.errors import BadInput, UnknownName
from systems.research.analysis.reports import AnalysisFailed, RatedDocument, Report, WhyFailed
from systems.research.analysis.running import OVERVIEW, PATTERNS, AnalysisInProcess, make_analysis
from tests.systems.research.analysis import programs
from tests.systems.research.analysis.seen import running

PROGRAMS = Path(programs.__file__)
UNHURRIED_S = 60.0  # no test here is about a time that has passed, only about what ends what


def made(pattern, function="counts", deadline_s=UNHURRIED_S, program=PROGRAMS, **more):
    bounds = {"memory_bytes": 256 << 20, "output_bytes": 1 << 20} | more
    return make_analysis(pattern, deadline_s=deadline_s, program=program, function=function, **bounds)


def documents(count=3, source="here", text="memory"):
    return [RatedDocument(source=source, title=f"title {each}", text=text, relevance=0.5) for each in range(count)]


async def came(pattern, function, *, given=None, **more):
    return await made(pattern, function, **more).analyse(documents() if given is None else given)


async def reason(pattern, function, **more):
    result = await came(pattern, function, **more)
    assert isinstance(result, AnalysisFailed)
    return result.reason


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_every_pattern_gives_the_same_report(pattern):
    given = [
        RatedDocument(
            source=f"source {each % 2}", title="内存 and memory", text="Memory \ud800 here" * each, relevance=each
        )
        for each in range(5)
    ]
    bounds = {"deadline_s": UNHURRIED_S, "memory_bytes": 256 << 20, "output_bytes": 1 << 20}
    report = await make_analysis(pattern, **bounds).analyse(given)
    assert isinstance(report, Report)
    assert report == await make_analysis("in-loop", **bounds).analyse(given)
    assert report.count == 5


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_an_error_is_told_with_its_type_and_words(pattern):
    result = await came(pattern, "raises")
    assert isinstance(result, AnalysisFailed)
    assert result.reason is WhyFailed.CRASHED
    assert "ZeroDivisionError: " in result.detail
    assert (await came(pattern, "raises_without_words")).detail == "ValueError"


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("function", ["reports_something_else", "reports_no_json"])
async def test_what_is_no_report_is_said_to_be_none(pattern, function):
    assert await reason(pattern, function) is WhyFailed.NO_REPORT


async def test_in_a_process_it_must_be_json_too():
    assert await reason("process", "reports_no_number") is WhyFailed.NO_REPORT


@pytest.mark.parametrize("pattern", ["thread", "process"])
async def test_who_hangs_is_not_waited_for_beyond_the_deadline(pattern):
    assert await reason(pattern, "hangs", deadline_s=0.5) is WhyFailed.HUNG


@pytest.mark.parametrize(
    ("function", "detail"),
    [("faults", "SIGSEGV"), ("exits", "status 3"), ("says_why_it_exits", "It printed last: no stop words")],
)
async def test_a_process_that_ends_badly_says_how(function, detail):
    result = await came("process", function)
    assert isinstance(result, AnalysisFailed)
    assert result.reason is WhyFailed.CRASHED
    assert detail in result.detail


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("ends_without_a_word", WhyFailed.SILENT),
        ("prints_without_end", WhyFailed.FLOODED),
        ("reports_too_much", WhyFailed.FLOODED),
        ("eats", WhyFailed.OUT_OF_MEMORY),
        ("eats_at_once", WhyFailed.OUT_OF_MEMORY),
    ],
)
async def test_a_process_is_bounded_and_says_in_what(function, why):
    assert await reason("process", function) is why


async def test_who_hangs_in_c_and_holds_the_lock_is_ended_too():
    assert await reason("process", "hangs_in_c", deadline_s=0.5) is WhyFailed.HUNG


@pytest.mark.parametrize("function", ["prints", "leaves_a_thread"])
async def test_noise_and_threads_do_no_harm(function):
    assert await came("process", function) == Report(count=3)


async def test_much_is_told_and_a_program_need_not_listen():
    given = documents(200, text="x" * 50_000)
    assert await came("process", "characters", given=given) == Report(count=10_000_000)
    assert await came("process", "answers_unheard", given=given) == Report(count=1)


async def test_an_answer_of_nearly_all_that_is_allowed_comes_whole(tmp_path):
    program = tmp_path / "long.py"
    program.write_text("def analyse(articles):\n    return {'count': 1, 'keywords': [['x' * 900_000, 1]]}\n")
    report = await came("process", "analyse", program=program)
    assert isinstance(report, Report)
    assert len(report.keywords[0][0]) == 900_000


@pytest.mark.parametrize("own_namespace", [True, False])
@pytest.mark.parametrize("function", ["leaves_grandchild", "leaves_daemon", "leaves_forks"])
async def test_what_a_program_leaves_behind_costs_nothing_and_is_ended(tmp_path, function, own_namespace):
    analysis = in_process(tmp_path, function, own_namespace)
    assert await analysis.analyse(documents(source=str(tmp_path))) == Report(count=3)
    assert running(tmp_path) == []


@pytest.mark.parametrize("own_namespace", [True, False])
@pytest.mark.parametrize("function", ["hangs_with_grandchild", "hangs_with_daemon", "kills_its_parents"])
async def test_at_the_deadline_everything_is_ended(tmp_path, function, own_namespace):
    analysis = in_process(tmp_path, function, own_namespace, deadline_s=1.0)
    result = await analysis.analyse(documents(source=str(tmp_path)))
    assert isinstance(result, AnalysisFailed)
    assert result.reason in (WhyFailed.HUNG, WhyFailed.CRASHED)
    assert running(tmp_path) == []


async def test_a_cancelled_call_leaves_nothing(tmp_path):
    analysis = in_process(tmp_path, "hangs_with_daemon")
    call = asyncio.create_task(analysis.analyse(documents(source=str(tmp_path))))
    await asyncio.to_thread(_until, lambda: len(running(tmp_path)) > 3)  # the three of the call, and the daemon
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert running(tmp_path) == []


async def test_closing_ends_what_runs_and_starts_nothing_more(tmp_path):
    analysis = in_process(tmp_path, "hangs")
    calls = [asyncio.create_task(analysis.analyse(documents())) for _ in range(3)]
    await asyncio.to_thread(_until, lambda: len(running(tmp_path)) >= 3)
    await analysis.close()
    assert running(tmp_path) == []
    ends = [*await asyncio.gather(*calls), await analysis.analyse(documents())]
    assert [end.reason for end in ends] == [WhyFailed.CLOSED] * 4


async def test_calls_at_once_do_not_mix():
    analysis = made("process", "characters")
    counts = [each.count for each in await asyncio.gather(*(analysis.analyse(documents(each)) for each in range(1, 9)))]
    assert counts == [len("memory") * each for each in range(1, 9)]


async def test_one_that_fails_leaves_the_others_alone():
    ends = await asyncio.gather(
        *(came("process", name) for name in ("faults", "counts", "prints_without_end", "counts"))
    )
    assert [isinstance(end, Report) for end in ends] == [False, True, False, True]


async def test_a_program_sees_no_secret_of_the_agents(monkeypatch):
    monkeypatch.setenv("SOME_SECRET", "a key")
    assert await came("process", "secrets") == Report(count=0)


async def test_the_descriptors_are_given_back():
    def held():
        return len(list(Path("/proc/self/fd").iterdir()))

    for function in ("counts", "faults", "prints_without_end"):
        await came("process", function)
        before = held()
        await came("process", function)
        assert held() == before


def test_the_loop_may_end_while_calls_run(tmp_path):
    """What `asyncio.run` cancels at its end is awaited, and has ended all."""
    analysis = in_process(tmp_path, "hangs_with_daemon")

    async def leave():
        asyncio.get_running_loop().create_task(analysis.analyse(documents(source=str(tmp_path))))
        await asyncio.to_thread(_until, lambda: len(running(tmp_path)) > 3)

    asyncio.run(leave())
    assert running(tmp_path) == []


def test_names_and_programs_that_are_none_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="pattern of an analysis"):
        made("processes")
    for pattern in PATTERNS:
        with pytest.raises(BadInput, match="program"):
            made(pattern, program=tmp_path / "none.py")
    with pytest.raises(BadInput, match="KeyError"):
        made("thread", function="none")


async def test_a_program_without_the_function_fails_alone():
    result = await came("process", "none")
    assert isinstance(result, AnalysisFailed)
    assert "KeyError" in result.detail


def test_the_child_imports_next_to_nothing():
    """Its start is what every call pays: no more than the interpreter has anyway, and what JSON needs."""
    child = OVERVIEW.with_name("child.py")
    look = "import sys; exec(open(sys.argv[1]).read(), {'__name__': 'child'}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", look, child], capture_output=True, text=True, check=True)
    assert not {"typing", "asyncio", "subprocess", "socket", "ctypes", "json"} & set(done.stdout.split())


def in_process(folder, function, own_namespace=True, deadline_s=UNHURRIED_S):
    """Return an analysis by a copy of the programs in a folder, which all its processes name in their arguments."""
    program = folder / "programs.py"
    program.write_bytes(PROGRAMS.read_bytes())
    return AnalysisInProcess(
        program,
        function,
        deadline_s=deadline_s,
        memory_bytes=256 << 20,
        output_bytes=1 << 20,
        own_namespace=own_namespace,
    )


def _until(condition):
    while not condition():
        time.sleep(0.01)


def test_reports_survive_json():
    report = Report(count=1, keywords=(("memory", 2),))
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
