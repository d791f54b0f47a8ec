"""What importing a system costs has in it what the import starts."""

import os
from types import SimpleNamespace

from experiments.measuring import profiles
from experiments.measuring.records import TrialSpec
from experiments.measuring.role import Assignment, Role
from experiments.studies.lazy_loading import imports

HELD = 32 * 2**20
STARTS_ONE = f"""
import os
until_the_end, open_ = os.pipe()
ready, say = os.pipe()
if os.fork() == 0:
    os.close(open_)
    held = os.urandom({HELD})
    os.write(say, b"held")
    os.read(until_the_end, 1)
    os._exit(0)
os.read(ready, 4)
"""


def imported(module, tmp_path, monkeypatch):
    monkeypatch.setattr(imports.registry.systems, "get", lambda name: SimpleNamespace(module=name, interpreter=None))
    monkeypatch.setattr(Role, "outside_look", lambda _role, _name="end": None)
    spec = TrialSpec(
        study="lazy-loading",
        condition={"part": "imports"},
        subject=module,
        system=module,
        profile=profiles.load("4gb"),
        block=0,
        seed=1,
        timeout_s=60.0,
        code_version="test",
    )
    role = Role(
        Assignment(role="subject", spec=spec, work_dir=str(tmp_path), part_path="", cpus=(), runner_pid=os.getpid()), -1
    )
    imports.run(role)
    return role.part.series["import_anonymous_bytes"]


def test_a_process_that_the_import_starts_counts(tmp_path, monkeypatch):
    (tmp_path / "starts_one.py").write_text(STARTS_ONE)
    (tmp_path / "starts_none.py").write_text("held = 1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert min(imported("starts_one", tmp_path, monkeypatch)) > HELD
    assert max(imported("starts_none", tmp_path, monkeypatch)) < 2**20
