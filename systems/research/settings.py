"""The research agent's settings: the pattern of each of its parts, then sizes. The first pattern of each is naive."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from systems.settings import NotNegative, Positive

Seconds = Annotated[float, msgspec.Meta(gt=0)]

Topics = Literal["words", "model"]
Fetching = Literal["sequential", "threads", "tasks"]
Saving = Literal["in-loop", "thread", "queued"]
Relevance = Literal["in-loop", "thread", "processes", "shared"]
Analysis = Literal["in-loop", "thread", "process"]
Generating = Literal["in-loop", "thread"]
Summarising = Literal["none", "in-turn", "background"]
Steps = Literal["sequential", "parallel"]


class ResearchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is read, in which patterns, and how much of everything (docs/research.md).

    ``sources`` are folders and addresses; none are the documents that come with the agent. ``topics`` are named by the
    model, or are the question's own words. ``fetching`` reads sources one after another, on threads, or as tasks.
    ``relevance`` is computed in the event loop, on a thread, in a pool of ``workers`` processes, or in one process
    that all share. ``analysis`` is done in the loop, on a thread, or in a child that is killed at its deadline;
    ``saving`` in the loop, on a thread, or by one queued writer. ``generating`` waits for the model in the loop or on a
    thread. ``summarising`` makes no rolling summary, makes it before the reply, or in the background. ``steps`` that do
    not need each other run one after another or at once.

    ``encoder`` is an embedding model, by its name or path; with None relevance is of words. A prompt has ``passages``
    at most, of ``passage_tokens`` together, and ``recent_messages`` of its conversation, the older ones being in the
    summary, which is due at ``summarise_at``. A turn calls the model at most ``model_calls`` times, its summary apart.
    Sources that were read ``kept_s`` ago are read again. ``private_hosts`` are addresses of private networks that may
    be asked all the same.
    """

    sources: tuple[str, ...] = ()
    topics: Topics = "model"
    fetching: Fetching = "tasks"
    relevance: Relevance = "shared"
    analysis: Analysis = "process"
    saving: Saving = "queued"
    summarising: Summarising = "background"
    generating: Generating = "thread"
    steps: Steps = "parallel"
    admission: bool = True
    retries: bool = True
    degradation: bool = True

    encoder: str | None = None
    workers: Positive = 1
    passages: Positive = 3
    passage_tokens: Positive = 480
    passage_characters: Positive = 300
    answer_tokens: Positive = 160
    recent_messages: Positive = 4
    summarise_at: Positive = 10
    sessions: Positive = 1000
    model_calls: Positive = 4
    deadline_s: Seconds = 300.0
    kept_s: Annotated[float, msgspec.Meta(ge=0)] = 300.0
    source_deadline_s: Seconds = 10.0
    sources_deadline_s: Seconds = 30.0
    source_bytes: Positive = 4 << 20
    requests_per_host: Positive = 4
    private_hosts: tuple[str, ...] = ()
    analysis_deadline_s: Seconds = 5.0
    analysis_bytes: Positive = 512 << 20
    analysis_output_bytes: Positive = 1 << 20
    concurrent_generations: Positive | None = None
    queue_limit: NotNegative = 256
    seed: NotNegative = 0


class ResearchSequentialSettings(ResearchSettings, frozen=True, kw_only=True):
    """The same, with every pattern naive: one step after another, each in the event loop."""

    fetching: Fetching = "sequential"
    relevance: Relevance = "in-loop"
    analysis: Analysis = "in-loop"
    saving: Saving = "in-loop"
    summarising: Summarising = "in-turn"
    generating: Generating = "in-loop"
    steps: Steps = "sequential"


NAIVE = MappingProxyType(
    {name: getattr(ResearchSequentialSettings(), name) for name in ResearchSequentialSettings.__annotations__}
)
"""Every pattern that a comparison varies, with its naive way: what a loop over blocking calls does."""
