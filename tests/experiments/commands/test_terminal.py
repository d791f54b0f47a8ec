"""What is printed: nothing in it is obeyed, nothing is cut, and a terminal that is gone, full or ASCII ends nothing."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.sync.server import ServerConnection, serve

from experiments.commands.terminal import Terminal
from experiments.measuring import records
from experiments.measuring.records import Part
from experiments.printable import printable
from systems.server.messages import Ask, Error, ReplyMessage, Token
from tests.experiments.analysis import synthetic
from tests.experiments.commands import hostile
from tests.experiments.conftest import FOURGIG
from tests.experiments.forking import Forked

ENCODINGS = [{}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}]
SIMULATED = ("--engine", "simulated", "--blocks", "1")
LONG = "asynchronous-with-a-segmenter-and-a-name-that-no-narrow-terminal-has-room-for"

Fourgig = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return hostile.install(tmp_path_factory.mktemp("hostile") / "site")


@pytest.fixture(scope="module")
def forked(outside: dict[str, str]) -> Iterator[Forked]:
    forked = Forked({name: value for name, value in outside.items() if name != "COLUMNS"})
    yield forked
    forked.close()


@pytest.fixture
def fourgig(outside: dict[str, str], forked: Forked, tmp_path: Path) -> Fourgig:
    """Return a function that runs the command beside the hostile package; COLUMNS only where a test says so.

    One that reads, or writes in another encoding, is started as a person would.
    """
    home = tmp_path / "cwd"
    home.mkdir()

    def run(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        if not stdin and environment.keys() <= {"COLUMNS"}:
            return forked.run(FOURGIG, list(map(str, arguments)), environment, home, within_s=300)
        surroundings = {**outside, **environment}
        if "COLUMNS" not in environment:
            surroundings.pop("COLUMNS", None)
        return subprocess.run(
            [FOURGIG, *map(str, arguments)],
            capture_output=True,
            input=stdin,
            encoding="utf-8",
            cwd=home,
            env=surroundings,
            timeout=300,
            check=False,
        )

    return run


def obeyed(*said: str) -> set[str]:
    return hostile.OBEYED & set("".join(said))


@pytest.fixture(scope="module")
def recorded(outside: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a run whose subject's last words are orders, and what the command said."""
    folder = tmp_path_factory.mktemp("recorded")
    command = [str(FOURGIG), "run", "hostile", *SIMULATED, "--allow-unenforced", "--out", "run"]
    done = subprocess.run(command, capture_output=True, cwd=folder, env=outside, timeout=300, check=False)
    assert done.returncode == 7, done.stderr
    return folder / "run", (done.stdout + done.stderr).decode()


def test_the_last_words_of_a_trial_are_printed_and_not_obeyed(recorded: tuple[Path, str]) -> None:
    folder, said = recorded
    [record] = records.read(folder / "trials.jsonl")
    assert "ValueError: [bold]b[/] [/]" in record.reason
    assert said.count("ValueError: [bold]b[/] [/] [link=http://x]l :bug:") == 1
    assert not obeyed(said)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("columns", ["30", None])
@pytest.mark.parametrize(
    "arguments",
    [("list", "studies"), ("list", "parts"), ("list", "systems"), ("run", "hostile", *SIMULATED, "--dry-run")],
)
def test_what_another_package_says_is_printed_and_not_obeyed(
    fourgig: Fourgig, arguments: tuple[str, ...], columns: str | None, encoding: dict[str, str]
) -> None:
    done = fourgig(*arguments, **encoding, **({"COLUMNS": columns} if columns else {}))
    assert done.returncode == 0, done.stderr
    assert "[bold]" in done.stdout and ":bug:" in done.stdout
    assert not obeyed(done.stdout, done.stderr)
    assert ("é" in done.stdout) is not bool(encoding)
    assert ("\\xe9" in done.stdout) is bool(encoding)


@pytest.mark.parametrize("encoding", [ENCODINGS[0], pytest.param(ENCODINGS[1], marks=pytest.mark.long)])
def test_what_a_record_says_is_printed_and_not_obeyed(
    fourgig: Fourgig, tmp_path: Path, recorded: tuple[Path, str], encoding: dict[str, str]
) -> None:
    folders = [of_seconds(tmp_path / name, seconds, f"asynchronous {hostile.ORDERS}") for name, seconds in PAIR]
    for done in (
        fourgig("compare", *folders, **encoding),
        fourgig("compare", *folders, "--markdown", **encoding),
        fourgig("report", recorded[0], **encoding),
        fourgig("report", f"no {hostile.ORDERS}", **encoding),
    ):
        assert done.returncode in (0, 6), done.stderr
        assert "Traceback" not in done.stderr
        assert not obeyed(done.stdout, done.stderr)


PAIR = (("a", 1.0), ("b", 2.0))


def of_seconds(folder: Path, seconds: float, subject: str) -> Path:
    made = [
        synthetic.record(
            synthetic.spec("load", subject, block, condition={"users": 1, "arrivals": LONG}),
            Part(role="client", requests=[synthetic.row(seconds * (1 + block / 10))]),
        )
        for block in range(2)
    ]
    return synthetic.write(folder, made, blocks=2)


@pytest.fixture
def liar() -> Iterator[str]:
    """Return the address of a server whose every word is an order."""

    def talk(connection: ServerConnection) -> None:
        for frame in connection:
            asked = msgspec.json.decode(frame, type=Ask).id
            answers: list[Any] = [
                Token(id=asked, text=f"first {hostile.ORDERS}"),
                ReplyMessage(
                    id=asked,
                    text="",
                    source=hostile.ORDERS,
                    memories=(f"memory {hostile.ORDERS}",),
                    prompt_tokens=1,
                    generated_tokens=1,
                    first_token_s=0.1,
                    total_s=0.2,
                ),
            ]
            if b"refuse" in (frame if isinstance(frame, bytes) else frame.encode()):
                answers = [Error(id=asked, kind=hostile.ORDERS, message=hostile.ORDERS)]
            for answer in answers:
                connection.send(msgspec.json.encode(answer), text=True)

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_server_says_is_printed_and_not_obeyed(fourgig: Fourgig, liar: str, encoding: dict[str, str]) -> None:
    done = fourgig("chat", "--url", liar, stdin="Hello\nrefuse\n", **encoding)
    assert done.returncode == 0, done.stderr
    assert "first [bold]b[/] [/]" in done.stdout and "memory [bold]b[/] [/]" in done.stdout
    assert "[bold]b[/] [/]" in done.stderr
    assert not obeyed(done.stdout, done.stderr)


@pytest.mark.parametrize("what", [("list", "parts"), ("run", "load", "--dry-run"), ("doctor",), ("run", "--help")])
@pytest.mark.parametrize("columns", ["30", None])
def test_no_name_is_cut(fourgig: Fourgig, what: tuple[str, ...], columns: str | None) -> None:
    done = fourgig(*what, **({"COLUMNS": columns} if columns else {}))
    assert "…" not in done.stdout
    if columns is None and "--help" not in what:
        assert len({len(line) for line in done.stdout.splitlines() if line.startswith(("│", "┃", "├", "└"))}) == 1


@pytest.mark.parametrize("columns", [30, 110, None])
def test_a_comparison_holds_every_name_whole(fourgig: Fourgig, tmp_path: Path, columns: int | None) -> None:
    folders = [of_seconds(tmp_path / name, seconds, LONG) for name, seconds in PAIR]
    done = fourgig("compare", *folders, **({"COLUMNS": str(columns)} if columns else {}))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if columns == 110:  # a table in which names are folded: the pieces stand one below the other
        cells = [line.split("│")[1:-1] for line in lines if line.startswith("│")]
        assert LONG in "".join(row[1].strip() for row in cells)
        assert all(len(line) <= 110 for line in lines if line.startswith("│"))
    else:  # a whole row stands in a line, or a whole cell does
        assert any(LONG in line for line in lines)
    assert "…" not in done.stdout.replace(" … ", "")


def test_a_narrow_table_is_a_list_and_its_styles_stay(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    Terminal().show_table(("name", "what it is"), [("[b]one", "1"), ("two", "")], title="Numbers")
    assert capsys.readouterr().out == "Numbers\nname: [b]one\nwhat it is: 1\n\nname: two\n\n"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("今天\u3000天气\u00a0好", "今天\u3000天气\u00a0好"),
        ("👩\u200d🔧", "👩\u200d🔧"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("\x1b[0m\x7f\x9b\ud800\u2028\u202e", "\ufffd[0m" + "\ufffd" * 5),
    ],
)
def test_spaces_and_joiners_stay_and_orders_do_not(said: str, shown: str) -> None:
    assert printable(said) == shown


UNREAD, CLOSED, ALL_CLOSED, FULL, ALL_FULL = "| true", ">&-", ">&- 2>&- <&-", "> /dev/full", "> /dev/full 2>&1"
WHATEVER_BEFALLS_IT = {
    "list parts": (UNREAD, CLOSED, ALL_CLOSED, FULL, ALL_FULL),
    "doctor": (UNREAD, FULL),  # it ends with a code of its own
    "run load --dry-run": (UNREAD, FULL),  # a table of many pages, with notes beside it
    "run --help": (UNREAD, ALL_CLOSED, FULL),  # it is printed by typer
    "report {run}": (UNREAD, ALL_CLOSED, FULL),  # it opens files, which are not to be taken for what was closed
}


@pytest.mark.parametrize(
    ("command", "redirection"),
    [
        pytest.param(command, each, marks=[pytest.mark.long] if command != "list parts" else [])
        for command, these in WHATEVER_BEFALLS_IT.items()
        for each in these
    ],
)
def test_an_output_that_is_closed_unread_or_full_is_no_defect(
    command: str, redirection: str, recorded: tuple[Path, str], outside: dict[str, str], tmp_path: Path
) -> None:
    code = 5 if redirection in (FULL, ALL_FULL) else 0
    line = f"set -o pipefail; '{FOURGIG}' {command.format(run=recorded[0])} {redirection}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=outside, stderr=subprocess.PIPE, check=False)
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr
    assert done.returncode in ({0, 3, 11} if command == "doctor" and not code else {code}), done.stderr


@pytest.mark.parametrize(
    "redirection",
    ["2>&1 | true", *(pytest.param(each, marks=pytest.mark.long) for each in (">&- 2>&- <&-", "> /dev/full 2>&1"))],
)
def test_a_run_that_nobody_sees_is_measured_to_its_end(
    redirection: str, outside: dict[str, str], tmp_path: Path
) -> None:
    line = f"'{FOURGIG}' run hostile {' '.join(SIMULATED)} --allow-unenforced --out run {redirection}"
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env={**outside, "SUBJECT": "fine"}, check=False)
    assert [record.outcome for record in records.read(tmp_path / "run" / "trials.jsonl")] == ["ok"]
    assert (tmp_path / "run" / "report.html").exists()


def test_the_progress_of_a_run_folds_in_a_narrow_terminal(outside: dict[str, str], tmp_path: Path) -> None:
    """In a real one: a pseudo-terminal of 30 columns."""
    mine, theirs = pty.openpty()
    environment = {**outside, "SUBJECT": f"fine-{LONG}", "COLUMNS": "30", "TERM": "xterm"}
    process = subprocess.Popen(
        [FOURGIG, "run", "hostile", *SIMULATED, "--allow-unenforced", "--out", "run"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=environment,
    )
    os.close(theirs)
    said = b""
    while piece := _read(mine):
        said += piece
    os.close(mine)
    assert process.wait() == 0, said.decode()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\s|[━╺╸]", "", said.decode())
    assert "…" not in shown
    assert not {"\x07", "\x9b", "\u202e"} & set(said.decode())
    assert "1ok" in shown


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the last process of the terminal has ended
        return b""
