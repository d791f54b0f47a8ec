"""Profiles are files: one put beside the others is known by its name."""

import pytest

from experiments.measuring import profiles
from systems.errors import BadInput

TINY = 'name = "tiny"\ndescription = "A quarter."\nmemory_bytes = 268435456\nswap_bytes = 0\ncpus = 1\n'


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Return an empty folder in the place of the shipped profiles."""
    monkeypatch.setattr(profiles.resources, "files", lambda _: tmp_path)
    return tmp_path


def test_a_profile_is_a_file(folder):
    (folder / "tiny.toml").write_text(TINY)
    assert profiles.names() == ["tiny"]
    assert profiles.load("tiny") == profiles.Profile(
        name="tiny", description="A quarter.", memory_bytes=2**28, swap_bytes=0, cpus=1
    )


def test_a_profile_with_a_field_that_is_none_is_refused_by_its_file(folder):
    (folder / "tiny.toml").write_text(TINY + "processors = 1\n")
    with pytest.raises(BadInput, match=r"tiny\.toml is malformed"):
        profiles.names()
