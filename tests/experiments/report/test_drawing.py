import pytest

from experiments.report import drawing


@pytest.mark.parametrize("panels", [1, 7])
@pytest.mark.parametrize("most", [0.5, 50, 5e6])
def test_an_axis_of_any_width_says_its_scale(panels, most):
    with drawing.style():
        figure, axes = drawing.canvas("A title", panels)
        for each in axes:
            each.plot([0.08, most], [1, 2])
            drawing.logarithmic(each, "x")
        figure.canvas.draw()
        for each in axes:
            low, high = each.get_xlim()
            assert any(low <= mark <= high for mark in each.xaxis.get_majorticklocs())
