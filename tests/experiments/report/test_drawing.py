import pytest

from experiments.report import drawing
from experiments.report.figures import _blocks


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


def test_a_narrow_range_has_no_more_marks_than_there_is_room_for():
    with drawing.style():
        figure, panels = drawing.canvas("A title", 3)
        for each in panels:
            each.plot([0.14, 0.26], [1, 2])
            drawing.logarithmic(each, "x")
        figure.canvas.draw()
        for each in panels:
            low, high = each.get_xlim()
            marks = [mark for mark in each.xaxis.get_majorticklocs() if low <= mark <= high]
            assert 1 <= len(marks) <= each.xaxis.get_tick_space()


@pytest.mark.parametrize("label", ["short", "a label as long as the name of a run and that of a measure together"])
def test_the_legend_is_no_wider_than_the_figure_and_says_a_note_once(label):
    with drawing.style():
        figure, [axes] = drawing.canvas("A title")
        for each in range(4):
            axes.plot([0, 1], [each, each], label=f"{label} {each}")
        drawing.finish(figure, "name", "A title", "alt", ["said once", "said too", "said once"])
        [legend] = figure.legends
        assert legend.get_window_extent().x1 <= figure.bbox.x1
        assert legend.get_title().get_text() == "Said once. Said too."


def test_a_list_stands_below_the_figure_unless_it_is_in_parentheses():
    def heading(title):
        return drawing.Drawn(name="", title=title, alt="", data=[], svg=b"").heading

    assert heading("How many there are now: 12, 13, 14") == "How many there are now"
    assert heading("Of so many vectors it finds 100 % (process: 32.8 MiB); 99 %") == (
        "Of so many vectors it finds 100 % (process: 32.8 MiB); 99 %"
    )


@pytest.mark.parametrize(("most", "marks"), [(6.9, [0, 5]), (700.0, [0, 10, 100])])
def test_an_axis_with_a_zero_has_round_marks(most, marks):
    with drawing.style():
        figure, [axes] = drawing.canvas("A title")
        axes.plot([0, most], [1, 2])
        _blocks.logarithmic_with_zero(axes, "x", 10)
        axes.set_xlim(0, most)
        figure.canvas.draw()
        assert [mark for mark in axes.xaxis.get_majorticklocs() if 0 <= mark <= most] == pytest.approx(marks)
