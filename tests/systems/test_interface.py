import pytest

from systems.errors import BadInput
from systems.interface import Request


def test_half_a_character_is_refused_before_anything_is_done():
    with pytest.raises(BadInput, match="lone surrogate"):
        Request(id="1", session="s", text="broken \ud800")
