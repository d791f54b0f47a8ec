import pytest

from tests.systems.tiered.tiers.placing import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)
