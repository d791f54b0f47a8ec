from experiments.measuring import runner, validity
from experiments.measuring.records import Outcome, Part
from tests.experiments.analysis import synthetic

SPEC = synthetic.spec("load", "baseline")


def with_lag(lag_s, latency_s=1.0):
    rows = [synthetic.row(latency_s)]
    return synthetic.record(SPEC, Part(role="client", requests=rows, loop_delay_s=[0.0] * 50 + [lag_s] * 50))


def with_host(**host):
    found = synthetic.record(SPEC)
    found.outside.host = host
    return found


def test_a_quiet_trial_stands():
    assert validity.noise(with_host(steal_share=0.01, others_cpu_share=0.09)) == ""
    assert validity.noise(with_host()) == ""


def test_a_busy_host_makes_a_trial_noisy_and_says_by_how_much():
    assert "a hypervisor gave others 30%" in validity.noise(with_host(steal_share=0.3))
    assert "other processes used 11%" in validity.noise(with_host(others_cpu_share=0.11))


def test_a_late_client_makes_a_trial_noisy_when_its_delay_matters_beside_the_latency():
    assert validity.noise(with_lag(0.04)) == ""
    assert "client lag" in validity.noise(with_lag(0.06))
    # However fast the replies, some milliseconds of delay are what a shared processor costs.
    assert validity.noise(with_lag(0.009, latency_s=0.01)) == ""
    assert "client lag" in validity.noise(with_lag(0.011, latency_s=0.01))


def test_a_void_trial_is_run_again_when_the_run_is_resumed():
    void = synthetic.record(SPEC, outcome=Outcome.INVALID)
    other = synthetic.spec("load", "asynchronous")
    assert runner.missing([SPEC, other], [void]) == [SPEC, other]
    assert runner.missing([SPEC, other], [void, synthetic.record(SPEC)]) == [other]
    assert runner.missing([SPEC, other], [synthetic.record(SPEC, outcome=Outcome.TIMED_OUT)]) == [other]
