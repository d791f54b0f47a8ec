"""The analysis's parent as the source lists it, with its defects: a faithful twin, in words and code of our own.

One pipe carries the result and whatever else is printed, without a bound. At the deadline the child alone is killed,
and then waited for, which ends when its pipes do: whoever else holds them is waited for too. A caller that goes away
leaves the child. A failure comes back as a report with nothing in it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

_SCRIPT = Path(__file__).with_name("_listed_analysis_script.py")


class ListedReport(msgspec.Struct):
    """The report as listed. ``printed`` is what the listing prints of a failure; empty where there was none."""

    article_count: int
    by_source: dict[str, int] = {}
    avg_relevance: float = 0.0
    top_articles: list[Any] = []
    top_keywords: list[Any] = []
    printed: str = ""


async def run_analysis(articles: list[dict[str, Any]], case: str, timeout_s: float) -> ListedReport:
    """Return the report of ``articles``, or one with nothing in it. Raises what reading the child's output raises."""
    payload = json.dumps(articles).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_SCRIPT),
        case,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(input=payload), timeout=timeout_s)
    except asyncio.TimeoutError:  # noqa: UP041 - as listed
        process.kill()
        await process.wait()
        return ListedReport(len(articles), printed="TIMEOUT: the process was killed")
    if process.returncode != 0:
        return ListedReport(len(articles), printed=f"script error: {stderr.decode().strip()}")
    data = json.loads(stdout.decode())
    overall = data.get("overall", {})
    return ListedReport(
        article_count=overall.get("count", len(articles)),
        by_source={source: stats["count"] for source, stats in data.get("by_source", {}).items()},
        avg_relevance=overall.get("avg_relevance", 0.0),
        top_articles=data.get("top_articles", []),
        top_keywords=data.get("top_keywords", []),
    )
