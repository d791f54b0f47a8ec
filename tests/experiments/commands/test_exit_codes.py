"""Exit codes: one table, one meaning each, and the documented table is that one."""

import importlib
import pkgutil
import re
import signal
import socket
import subprocess
from pathlib import Path

from typer.testing import CliRunner

import experiments.commands
from experiments.commands import doctor
from experiments.commands.cli import app
from experiments.commands.doctor import Finding
from systems.errors import ExitCode, FourgigError
from tests.experiments.conftest import FOURGIG

PAGE = Path(__file__).parents[3] / "docs" / "command.md"


def test_the_documented_table_is_the_one_in_the_code():
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == [(str(int(code)), code.meaning) for code in ExitCode]


def test_no_error_of_ours_passes_for_a_defect_or_for_success():
    for module in pkgutil.walk_packages(experiments.commands.__path__, "experiments.commands."):
        importlib.import_module(module.name)
    kinds = [FourgigError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert isinstance(kind.exit_code, ExitCode), kind
        assert kind.exit_code not in (ExitCode.DONE, ExitCode.DEFECT), kind


def test_the_doctor_tells_a_profile_that_is_not_to_be_had_from_another_fault(monkeypatch):
    def code(*bad):
        found = [Finding(name=name, status="bad", found="", remedy="") for name in bad]
        monkeypatch.setattr("experiments.commands.cli.examine", lambda _: found)
        return CliRunner().invoke(app, ["doctor"]).exit_code

    assert code() == ExitCode.DONE
    assert code(doctor.LIMITS) == code(doctor.LIMITS, "memory") == code("processors") == ExitCode.CANNOT_ENFORCE
    assert code("disk") == code(doctor.LIMITS, "disk") == ExitCode.UNFIT


def test_an_interrupt_outside_a_run_is_told_and_130():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/ws"
        process = subprocess.Popen([FOURGIG, "chat", "--url", url], stderr=subprocess.PIPE, text=True)
        connection, _ = server.accept()  # it waits for a word that never comes
        with connection:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert said.strip() == "Interrupted."
