import pytest

from experiments import load_run
from experiments.analysis.run import Run


@pytest.fixture(scope="session")
def reference_run() -> Run:
    """The committed reference run, read once."""
    return load_run()
