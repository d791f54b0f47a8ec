"""What the rules of a verdict say of simulated runs whose truth is known, for noise of many kinds.

    python -m tests.benchmarks.truth [RUNS]

RUNS are simulated with fewer than twenty blocks, a tenth of them with more, where each interval takes 9,999 resamples.
Every table draws from a seed, so that the same versions print the same table again.
"""
