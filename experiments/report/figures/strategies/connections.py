"""Connections: what a pool takes off a request in each condition, and what becomes of requests when connections die."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from experiments.analysis import claims
from experiments.report import drawing, text
from experiments.report.drawing import Drawn
from experiments.report.figures import _blocks
from experiments.report.scene import Scene, factor

_PART, _REFERENCE, _TITLED = "connections", "new-connection", "pooled"
_WAYS = {
    "new-connection": "a new one each",
    "pooled": "pooled",
    "pooled-4": "pooled, four at most",
    "multiplexed": "one for all",
}
_CAREFUL = {
    "new-connection": "a new one each",
    "unchecked": "pooled, unchecked",
    "looked-at": "looked at before use",
    "pinged": "pinged before use",
    "asked-again": "asked again on a new one",
}
"""Subjects in words, in the order in which they are shown; the place of a way is its colour."""

_SPEAKS = {
    ("http", False): "HTTP",
    ("http", True): "HTTPS",
    ("websocket", False): "WebSocket",
    ("websocket", True): "WSS",
}
_DROPS = {"closed": "closed by the server", "silent": "gone silent"}
_SHORT = {"unchecked": "unchecked", "looked-at": "looked at", "pinged": "pinged"}
_COMPARED = {"closed": ("unchecked", "looked-at"), "silent": ("looked-at", "pinged")}
_SPREAD = 0.22


def draw(scene: Scene) -> list[Drawn]:
    """Return the figures of the part ``connections``, as far as there are records."""
    return [*_saved(scene), *_dead(scene)]


def _saved(scene: Scene) -> list[Drawn]:
    """Draw the change of a request's time against a new connection each, and beside it the time itself."""
    measured = scene.measured("request_overhead", part=_PART, drops="none")
    changes = _blocks.changes(measured, _REFERENCE)
    if changes.empty:
        return []
    named = {_name(*key): key for key in sorted(set(_keys(measured)), key=_order)}
    title = _title(changes, named)
    figure, (shares, times) = drawing.canvas(title, 2, height=2.2 + 0.45 * len(named), sharey=True)
    rows: list[tuple[str, ...]] = [("condition", "way", "change in time (%)", "time of a request (ms)")]
    for row, (name, key) in enumerate(named.items()):
        for place, (way, label) in enumerate(_WAYS.items()):
            shift = (place - (len(_WAYS) - 1) / 2) * _SPREAD
            change = _of(changes, key, way)["change"]
            time_ms = _of(measured, key, way)["value"] * 1000
            _blocks.row(shares, row + shift, place, change, label)
            _blocks.row(times, row + shift, place, time_ms, label)
            if not time_ms.empty:
                told = "" if change.empty else text.significant(change.mean())
                rows.append((name, label, told, text.significant(time_ms.mean())))
    drawing.band(shares, claims.get("S2-connpool"), "x")
    drawing.logarithmic(times, "x")
    shares.axvline(0, color=drawing.GREY, linewidth=1, linestyle=":")
    shares.set_xlabel("change in the time of a request (%)")
    times.set_xlabel("time of a request (ms)")
    _blocks.rows_named(shares, list(named))
    alt = f"{title}. Change in the time of a request that costs its server nothing, and that time; a row a condition."
    notes = [*scene.notes(measured), _blocks.INTERVALS]
    return [drawing.finish(figure, "strategies-connections", title, alt, notes, rows)]


def _keys(frame: pd.DataFrame) -> list[tuple[str, bool, int]]:
    """Return what each row's condition speaks, whether by TLS, and how many ask at once."""
    return [(str(given["speaks"]), bool(given["tls"]), int(given["at_once"])) for given in frame["factors"]]


def _order(key: tuple[str, bool, int]) -> tuple[int, bool, str]:
    speaks, tls, at_once = key
    return at_once, tls, speaks


def _name(speaks: str, tls: bool, at_once: int) -> str:
    return f"{_SPEAKS[speaks, tls]}, {'one' if at_once == 1 else at_once} at a time"


def _of(frame: pd.DataFrame, key: tuple[str, bool, int], way: str) -> pd.DataFrame:
    wanted = pd.Series([each == key for each in _keys(frame)], index=frame.index, dtype=bool)
    return frame[(frame["subject"] == way) & wanted]


def _title(changes: pd.DataFrame, named: dict[str, Any]) -> str:
    told = [
        f"{text.percent(mine.mean())} ({name})"
        for name, key in named.items()
        if not (mine := _of(changes, key, _TITLED)["change"]).empty
    ]
    return f"Pooled connections change the time of a request by {', '.join(told)}" if told else "Pooled connections"


def _dead(scene: Scene) -> list[Drawn]:
    """Draw which requests are answered, and how long the slowest wait, where connections that wait are dropped."""
    measured = scene.measured("requests_answered", part=_PART)
    measured = measured[factor(measured, "drops").isin(list(_DROPS))]
    if measured.empty:
        return []
    slowest = scene.measured("request_overhead_p99", part=_PART)
    ways = [way for way in _CAREFUL if way in set(measured["subject"])]
    title = _answered(measured)
    figure, (shares, times) = drawing.canvas(title, 2, height=4.0, sharey=True)
    rows: list[tuple[str, ...]] = [("connections", "way", "answered (%)", "P99 of a request (ms)")]
    for place, (drops, words) in enumerate(_DROPS.items()):
        for row, way in enumerate(ways):
            shift = (place - 0.5) * _SPREAD
            answered, late = (_dropped(frame, drops, way) for frame in (measured, slowest))
            _points(shares, answered * 100, row + shift, place, words)
            _points(times, late * 1000, row + shift, place, words)
            if not answered.empty:
                waited = "" if late.empty else text.significant(late.mean() * 1000)
                rows.append((words, _CAREFUL[way], text.significant(answered.mean() * 100), waited))
    drawing.logarithmic(times, "x")
    shares.set_xlabel("requests answered (%)")
    times.set_xlabel("P99 of those answered (ms)")
    _blocks.rows_named(shares, [_CAREFUL[way] for way in ways])
    alt = f"{title}. Share of requests answered and the 99th percentile of their time, a row a way of keeping a pool."
    notes = [*scene.notes(measured), _deaths(measured), _blocks.INTERVALS]
    return [drawing.finish(figure, "strategies-connections-dead", title, alt, notes, rows)]


def _answered(measured: pd.DataFrame) -> str:
    """Return what is answered in the ways that differ most in each kind of death."""
    told = []
    for drops, words in _DROPS.items():
        shares = {way: _dropped(measured, drops, way) for way in _COMPARED[drops]}
        ways = [f"{text.share(share.mean())} {_SHORT[way]}" for way, share in shares.items() if not share.empty]
        if ways:
            told.append(f"{words} {', '.join(ways)}")
    return f"Requests answered by pools whose connections die: {'; '.join(told)}"


def _deaths(measured: pd.DataFrame) -> str:
    """Return how many connections die among how many requests: what an unchecked pool loses is in proportion."""
    given = measured["factors"].iloc[0]
    deaths = int(given["rounds"]) - 1
    return f"{given['at_once']} connections that wait die {deaths} times among {given['requests']} requests"


def _dropped(frame: pd.DataFrame, drops: str, way: str) -> pd.Series[float]:
    return frame[(factor(frame, "drops") == drops) & (frame["subject"] == way)]["value"]


def _points(axes: Axes, values: pd.Series[float], row: float, place: int, words: str) -> None:
    _blocks.row(axes, row, place + 1, values, f"connections {words}")
