"""``fourgig memory`` as a person uses it."""

import pytest
from typer.testing import CliRunner

from experiments.commands.cli import app, main
from systems.memory.like import LikeStore
from systems.memory.schema import SavedTurn


@pytest.fixture
def path(tmp_path):
    store = LikeStore(tmp_path / "memory.sqlite")
    store.open()
    store.save([SavedTurn(session=session, question=f"I am {session}", answer="", keywords=("i",)) for session in "ab"])
    return tmp_path / "memory.sqlite"


def fourgig(*arguments):
    return CliRunner().invoke(app, ["memory", *map(str, arguments)])


def test_turns_go_out_and_come_in_and_a_session_is_forgotten(path, tmp_path):
    out, copy = tmp_path / "out.jsonl", tmp_path / "copy.sqlite"
    assert "2 turns written" in fourgig("export", path, out).stdout
    assert "I am a" in fourgig("export", path, "--session", "a").stdout
    assert "2 new turns" in fourgig("import", copy, out).stdout
    assert "1 turns of a deleted" in fourgig("forget", copy, "a").stdout
    assert "0 turns deleted" in fourgig("compact", copy, "--size", "1GiB").stdout
    assert "I am a" not in fourgig("export", copy).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "none.sqlite"], "There is no memory file none.sqlite."),
        (["compact", "{path}", "--size", "big"], "'big' is no size"),
        (["export", "{path}", "{path}"], "is there already"),
        (["import", "{path}", "{path}"], "Line 1 is no beginning of an export"),
    ],
)
def test_a_mistake_gets_one_sentence(path, arguments, says, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fourgig", "memory", *(argument.format(path=path) for argument in arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_sessions_complete(path):
    done = CliRunner().invoke(
        app,
        [],
        prog_name="fourgig",
        env={"_FOURGIG_COMPLETE": "complete_bash", "COMP_WORDS": f"fourgig memory forget {path} ", "COMP_CWORD": "4"},
    )
    assert done.stdout.split() == ["a", "b"]
