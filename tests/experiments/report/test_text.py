from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.report.text import percent, plain, quantity, share, significant, slug, span


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.00042, "s", "420 µs"),
        (0.0421, "s", "42.1 ms"),
        (12.34, "s", "12.3 s"),
        (0, "s", "0 s"),
        (-1536.0, "bytes/turn", "−1.50 KiB/turn"),
        (850 * 2**20, "bytes", "850 MiB"),
        (0.75, "ratio", "0.750"),
        (1234567, "count", "1,234,567"),
        (53.6, "1/s", "53.6 /s"),
    ],
)
def test_quantities_read_well(value: float, unit: str, words: str) -> None:
    assert quantity(value, unit).replace("\u00a0", " ") == words


@given(st.floats(min_value=0.9, max_value=1.1))
def test_what_is_not_one_is_never_written_as_one(value: float) -> None:
    assert (float(significant(value)) == 1) is (abs(value - 1) <= 1e-9)


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_a_written_number_is_near_the_number(value: float) -> None:
    assert float(significant(value).replace(",", "")) == pytest.approx(value, rel=0.006)


def test_what_sums_of_floats_err_is_no_share() -> None:
    assert (share(3e-13), share(0.00026)) == ("0\u00a0%", "0.026\u00a0%")


def test_signs_are_written() -> None:
    assert percent(3.0).startswith("+")
    assert percent(-3.0).startswith("−")


def test_a_range_of_one_value_is_one_value() -> None:
    assert span(1.0, 1.0, "s") == quantity(1.0, "s")


@given(st.text())
def test_plain_text_is_one_printable_line(words: str) -> None:
    assert plain(words).replace("\u00a0", " ").isprintable()


@given(st.text())
def test_a_slug_is_a_safe_file_name(words: str) -> None:
    assert set(slug(words)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug(words)
