"""What the baseline alone does."""

import pytest

from systems.baseline.agent import Baseline, BaselineSettings
from systems.errors import DeadlineExceeded
from systems.interface import Request, Source
from systems.server.hosting import host
from tests.systems.conversing import simulated


async def test_the_published_cache_serves_the_question_whatever_was_said_since(tmp_path):
    settings = BaselineSettings(cache_key="question")
    async with host(Baseline(settings, simulated(), tmp_path)) as running:
        replies = [
            await running.answer(Request(id=str(number), session="s", text="And what now?", max_tokens=4))
            for number in range(2)
        ]
    assert replies[1].source is Source.CACHE


@pytest.mark.parametrize("hosting", ["alone", "in-loop"])
async def test_a_blocking_systems_late_reply_is_no_reply(tmp_path, hosting):
    async with host(Baseline(BaselineSettings(), simulated(first_token_s=0.05), tmp_path), hosting) as running:
        with pytest.raises(DeadlineExceeded):
            await running.answer(Request(id="1", session="s", text="Hurry", deadline_s=0.01, max_tokens=2))
        assert (await running.answer(Request(id="2", session="s", text="Slowly", deadline_s=60, max_tokens=2))).text
