"""How long a trial is expected to take: as it took before, else the guess times what such guesses were off."""

from experiments.measuring import plan
from experiments.measuring.profiles import load
from experiments.measuring.records import EngineSpec, Outside
from tests.experiments.analysis import synthetic

SIMULATED = EngineSpec(name="simulated")
SYSTEMS = ("baseline", "asynchronous")


def expected(past=()):
    """Return the seconds that each trial of the memory study is expected to take, by its specification's key."""
    made = plan.make(
        preset="quick",
        study_names=("memory",),
        system_names=SYSTEMS,
        engine=SIMULATED,
        profile=load("4gb"),
        blocks=1,
        seed=1,
        past=past,
    )
    return {spec.key: (spec, seconds) for spec, seconds in zip(made.trials, made.seconds, strict=True)}


def parts():
    cells = plan.grid("memory", "quick", SYSTEMS, SIMULATED, {})
    return {repr((cell.condition, cell.subject)): cell.part for cell in cells}


def test_a_guess_is_put_right_by_its_own_part_and_by_the_study_where_that_was_never_measured():
    part_of, guesses = parts(), expected()
    part = {key: part_of[repr((spec.condition, spec.subject))] for key, (spec, _) in guesses.items()}
    # A trial of one part took half of what was guessed, two of another three times as much.
    [half, *_], [thrice, again, *_] = ([key for key in guesses if part[key] == name] for name in ("soak", "evidence"))
    past = [
        synthetic.record(guesses[key][0], outside=Outside(duration_s=guesses[key][1] * times))
        for key, times in ((half, 0.5), (thrice, 3.0), (again, 3.0))
    ]
    for key, (_, seconds) in expected([past]).items():
        assert round(seconds / guesses[key][1], 6) == {"soak": 0.5}.get(part[key], 3.0)


def test_what_was_measured_is_not_guessed():
    guesses = expected()
    key, (spec, _) = next(iter(guesses.items()))
    past = [synthetic.record(spec, outside=Outside(duration_s=seconds)) for seconds in (7.0, 9.0, 8.0)]
    assert expected([past])[key][1] == 8.0


def test_of_what_several_runs_measured_the_quickest_counts_since_a_busy_machine_only_adds():
    guesses = expected()
    key, (spec, _) = next(iter(guesses.items()))
    runs = [[synthetic.record(spec, outside=Outside(duration_s=seconds))] for seconds in (7.0, 9.0)]
    assert expected(runs)[key][1] == expected(runs[::-1])[key][1] == 7.0


def test_what_only_a_slow_run_measured_is_taken_to_be_as_much_shorter_as_the_rest_of_it():
    guesses = expected()
    (both, (shared, _)), (alone, (own, _)) = list(guesses.items())[:2]
    quiet = [synthetic.record(shared, outside=Outside(duration_s=2.0))]
    busy = [synthetic.record(one, outside=Outside(duration_s=seconds)) for one, seconds in ((shared, 6.0), (own, 9.0))]
    found = expected([quiet, busy])
    assert (found[both][1], found[alone][1]) == (2.0, 3.0)
