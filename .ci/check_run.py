"""Fail unless every study of a run measured all of its subjects, with equal work, and the report is there."""

import sys
from pathlib import Path

from experiments import load_run
from experiments.measuring import records
from experiments.studies.density import timeline
from experiments.studies.strategies import prompts
from experiments.studies.subjects import REPLY_TOKENS

folder = Path(sys.argv[1])
trials = load_run(folder).trials
ok = trials[trials["outcome"] == "ok"]
failed = trials[trials["outcome"] != "ok"]
for trial in failed.itertuples():
    print(f"{trial.study} {trial.subject}: {trial.outcome}: {trial.reason}")
wanted = {"isolation", "lazy-loading", "memory", "load", "density", "research", "strategies", "frameworks"}
for study in wanted:
    pairs = set(zip(trials["study"], trials["subject"], strict=True))
    measured = set(zip(ok["study"], ok["subject"], strict=True))
    missing = sorted(subject for name, subject in pairs - measured if name == study)
    if study not in set(ok["study"]) or missing:
        sys.exit(f"The study {study} did not measure {', '.join(missing) or 'anything'}.")
if not (folder / "report.html").exists():
    sys.exit("There is no report.")

found = [record for record in records.read(folder / "trials.jsonl") if record.outcome is records.Outcome.OK]
engines = [(record, record.spec.engine) for record in found if record.spec.engine]
# Answers are graded with a model of their own, where it is installed, and one is chosen beside the real one.
OWN_MODEL = ("answers", "model-choice")
inferred = [r for r, engine in engines if engine.name == "llama" and r.spec.condition.get("part") not in OWN_MODEL]
rows = [row for record in inferred for part in record.parts for row in part.requests]
# Where a model speaks for itself, a reply is as long as it is.
said = {
    (record.spec.study, row.outcome, row.generated_tokens)
    for record in inferred
    if record.spec.condition.get("work") != "own words"
    for part in record.parts
    for row in part.requests
}
lengths = dict.fromkeys(wanted - {"frameworks"}, REPLY_TOKENS) | {
    "density": timeline.REPLY_TOKENS,
    "strategies": prompts.SHORT_REPLY,
}
if said != {(study, "ok", tokens) for study, tokens in lengths.items()}:
    sys.exit("The systems did not all generate the same number of tokens.")
# They ran the real model or, where it cannot be fetched, one of its shape, which this project made and names so.
if any(r.spec.engine.model.startswith("fourgig ") != r.spec.engine.words_are_meaningless for r in inferred):
    sys.exit("A made model's words are not called meaningless, or a real one's are.")
if not all(row.first_token_s is not None and row.intended_s <= row.finished_s for row in rows):
    sys.exit("A request has no first token, or ended before it was meant to begin.")
for record, engine in engines:
    if engine.name == "simulated" and not any("no model ran" in label for label in record.spec.labels):
        sys.exit(f"A trial of {record.spec.study} without a model does not say so.")
traced = [record for record in found if record.spec.traced]
if {record.spec.system for record in traced} != {"baseline", "asynchronous"}:
    sys.exit("The allocations of both systems were not traced.")
for record in traced:
    graph = (folder / record.parts[0].artifacts["flamegraph"]).read_text()
    # It can be shown to others, and read without a network.
    if "agent.py" not in graph or sys.prefix in graph or 'src="http' in graph:
        sys.exit("A flame graph lacks the agent, names this machine's folders or wants a network.")
    part = record.parts[0]
    if not part.flames.size_bytes == part.values["heap_peak_bytes"] > 0:
        sys.exit("A flame graph is not of the heap's peak.")
print(f"{len(ok)} of {len(trials)} trials ok; every subject of every study was measured.")
