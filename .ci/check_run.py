"""Fail unless every study of a run measured every one of its subjects at least once, and the report is there."""

import sys
from pathlib import Path

from experiments import load_run

folder = Path(sys.argv[1])
trials = load_run(folder).trials
ok = trials[trials["outcome"] == "ok"]
failed = trials[trials["outcome"] != "ok"]
for trial in failed.itertuples():
    print(f"{trial.study} {trial.subject}: {trial.outcome}: {trial.reason}")
wanted = {"isolation", "lazy-loading", "memory", "load"}
for study in wanted:
    pairs = set(zip(trials["study"], trials["subject"], strict=True))
    measured = set(zip(ok["study"], ok["subject"], strict=True))
    missing = sorted(subject for name, subject in pairs - measured if name == study)
    if study not in set(ok["study"]) or missing:
        sys.exit(f"The study {study} did not measure {', '.join(missing) or 'anything'}.")
if not (folder / "report.html").exists():
    sys.exit("There is no report.")
print(f"{len(ok)} of {len(trials)} trials ok; every subject of every study was measured.")
