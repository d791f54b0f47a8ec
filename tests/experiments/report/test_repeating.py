"""The command that repeats a run can be pasted, and asks for the same run."""

import random
import shlex

import msgspec

from experiments.measuring.records import EngineSpec
from experiments.measuring.runs import read_info
from experiments.report.repeating import command
from tests.experiments.analysis import synthetic


def test_it_says_everything_the_run_was_asked(tmp_path):
    info = read_info(synthetic.write(tmp_path / "run", list(synthetic.lazy_loading(1, random.Random(1)))))
    asked = msgspec.structs.replace(
        info,
        engine=EngineSpec(name="openai", settings={"url": "http://a:1/v1"}),
        settings={"openai": {"model": "my model"}, "baseline": {"cache_capacity": None, "full_text": True}},
        part="answers",
        only={"turns": "500"},
    )
    words = shlex.split(command(asked, "memory", only={"trace": "published, first 100"}))
    assert words[:3] == ["fourgig", "run", "memory"]
    given = list(zip(words[3::2], words[4::2], strict=True))
    assert ("--url", "http://a:1/v1") in given
    assert [value for option, value in given if option == "--set"] == [
        "openai.model=my model",
        "baseline.cache_capacity=null",
        "baseline.full_text=True",
    ]
    assert ("--part", "answers") in given
    assert [value for option, value in given if option == "--only"] == ["turns=500", "trace=published, first 100"]
    assert "--part soak" in command(asked, "memory", part="soak")
