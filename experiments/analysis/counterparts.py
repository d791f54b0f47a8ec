"""Which part of one folder of runs is compared with which part of another: those that have the same study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.analysis.regressions import RunComparison, compare_runs
from experiments.analysis.run import Run
from experiments.errors import RunFolderError


def compare_parts(before: Run, after: Run, wanted: Mapping[str, Sequence[str]]) -> RunComparison:
    """Compare two runs, or two folders of runs part by part, in each study's ``wanted`` metrics.

    Each part and the part with the same study are compared as one family. Raises `RunFolderError` where no study is in
    both, where one is in several parts of a side, and where the environments of two such parts forbid it.
    """
    if len(before.parts) == len(after.parts) == 1:
        return compare_runs(before, after, wanted)
    shared = [study for study in wanted if study in before.studies and study in after.studies]
    if not shared:
        raise RunFolderError(f"{before.folder} and {after.folder} have no study in common.")
    earlier, later = ({run.parts[0].run: run for run in whole.split()} for whole in (before, after))
    studies: dict[tuple[str, str], list[str]] = {}
    for study in shared:
        studies.setdefault((_part_with(before, study), _part_with(after, study)), []).append(study)
    compared = [
        compare_runs(earlier[one], later[other], {study: wanted[study] for study in names})
        for (one, other), names in studies.items()
    ]
    return RunComparison(
        changes=[change for one in compared for change in one.changes],
        lost=[lost for one in compared for lost in one.lost],
        only_in_one=sum(one.only_in_one for one in compared),
        software=list(dict.fromkeys(changed for one in compared for changed in one.software)),
        studies_in_one=tuple(sorted({*before.studies} ^ {*after.studies})),
    )


def _part_with(run: Run, study: str) -> str:
    """Return the id of the one part that has the study."""
    found = [part for part in run.parts if study in part.studies]
    if len(found) > 1:
        folders = " and ".join(str(part.folder) for part in found)
        raise RunFolderError(f"The study {study} is in {folders}: compare one of them.")
    return found[0].run
