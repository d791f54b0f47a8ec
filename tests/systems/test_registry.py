import re

import pytest

from experiments.measuring import code
from systems import registry
from systems.errors import BadInput, UnknownName
from tests.experiments.echo_system import Echo

NAMED = "tests.experiments.echo_system:Echo"


def test_a_class_that_is_not_registered_is_named_by_its_module():
    description = registry.systems.get(NAMED)
    assert description.load() is Echo
    assert (description.name, description.blocks, description.settings) == (NAMED, True, Echo.Settings)
    assert NAMED not in registry.systems.names()


def test_what_cannot_be_imported_is_one_sentence():
    for name in ("no_such_module:Agent", "tests.experiments.echo_system:Nobody"):
        with pytest.raises(BadInput, match="cannot be imported"):
            registry.systems.get(name)
    with pytest.raises(UnknownName):
        registry.systems.get("nobody")


def test_a_run_tells_the_code_of_what_is_named_by_its_module():
    found = code.outside(["baseline", NAMED], [])
    assert re.fullmatch(r"[0-9a-f]{12}", found["outside.tests.experiments.echo_system"])
