"""What do the response cache, the memory store and a long conversation cost and bring?

One module a part: ``hit_rate`` replays access traces through caches; ``retrieval`` asks stores for planted memories;
``quality`` grades what stores find, and systems answer, after a long conversation; ``own_words`` has a real model
answer; ``soak`` holds one long conversation
and watches anonymous memory, and traces a short one; ``what_fits`` asks models of every size under every limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from experiments.measuring.role import Role
from experiments.measuring.study import Cell, GridRequest, Preset, Study
from experiments.metrics.remembering import GROUPS
from experiments.studies import joining
from experiments.studies.memory import hit_rate, own_words, quality, retrieval, soak, what_fits


class Memory(Study):
    """Caches, stores, answers, soaks, memory traces, and models that fit or do not."""

    name = "memory"
    question = "What do the response cache, the memory store and a long conversation cost and bring?"
    parts: ClassVar[Mapping[str, str]] = {
        "hit-rate": "access traces through the response caches, and through a simulator's",
        "retrieval": "planted memories are asked for again: how long does a lookup take, does it find them?",
        "evidence": "each store alone is asked for the turns that answer a question",
        "answers": "a whole system is told a long conversation, then asked questions that have one right answer",
        "natural-evidence": "the same of stores, after a conversation as people hold it, by kind of question",
        "natural-prompts": "the same of whole systems, as far as the prompt: the trained reader reads no such thing",
        "own-words": "whole systems again, and a real model answers in its own words",
        "natural-own-words": "the same after a conversation as people hold it",
        "soak": "one long conversation: what stays in memory as the turns go by?",
        "memray": "what a memory tracer sees in a short conversation",
        "what-fits": "one question to a model of each size under each limit",
    }
    references = ("fifo", "like", "baseline")
    measures = (
        "hit_rate",
        "unlimited_hit_rate",
        "wrong_hit_share",
        "miss_time",
        "cache_operation_time",
        "held_bytes",
        "retrieval_p50",
        "retrieval_p95",
        "recall",
        "evidence_in_1",
        "evidence_in_3",
        "evidence_in_10",
        *(f"evidence_in_10_{group}" for group in GROUPS),
        "evidence_ndcg",
        "evidence_reciprocal_rank",
        "stale_hit_rate",
        "evidence_in_prompt",
        *(f"evidence_in_prompt_{group}" for group in GROUPS),
        "right_answers",
        *(f"right_answers_{group}" for group in GROUPS),
        "right_answers_english",
        "exact_answers",
        "answers_from_prompt",
        "right_refusals",
        "needless_refusals",
        "other_values",
        "known_prompts",
        "anonymous_growth",
        "anonymous_growth_low",
        "anonymous_growth_high",
        "latency_p50",
        "group_peak_memory",
        "heap_peak",
        "mapped_peak",
        "load_time",
        "first_token_wait",
        "generation_rate",
        "reply_share",
        "usable",
        "refaults",
        "disk_reads",
    )
    primary = ("hit_rate", "retrieval_p95", "recall", "evidence_in_prompt", "right_answers", "group_peak_memory")

    def shapes(self, preset: Preset) -> tuple[str, ...]:
        """Return the models whose fit is tried, the one that reads, and the real one."""
        return (*what_fits.shapes(preset), *quality.shapes(), *own_words.shapes())

    def grid(self, request: GridRequest) -> Sequence[Cell]:
        """Return the cells of every part, and those of the systems that stand beside the compared ones."""
        parts = (hit_rate, retrieval, quality, own_words, soak, what_fits)
        found = [cell for part in parts for cell in part.cells(request)]
        others = joining.beside(request)
        return [*found, *quality.beside(others), *soak.beside(others)]

    def run_subject(self, role: Role) -> None:
        """Do the part the condition names."""
        match role.spec.condition["part"]:
            case "hit-rate":
                hit_rate.run(role)
            case "retrieval":
                retrieval.run(role)
            case "evidence" | "answers" | "natural-evidence" | "natural-prompts":
                quality.run(role)
            case own_words.PART | own_words.NATURAL_PART:
                own_words.run(role)
            case "soak" | "memray":
                soak.run(role)
            case "what-fits":
                what_fits.run(role)
