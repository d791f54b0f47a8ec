"""A metric that another package brings: named by no built-in study."""

from experiments.metrics.interface import Metric, Missing


def seed_parity(record):
    part = record.part("subject")
    return Missing("the subject wrote nothing") if part is None else float(record.spec.seed % 2)


METRICS = (
    Metric(
        name="seed_parity",
        title="Parity of the seed",
        unit="count",
        better="neither",
        formula="seed modulo two",
        compute=seed_parity,
        comparable=False,
    ),
)
