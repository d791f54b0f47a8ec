import re

from experiments.report import drawing
from experiments.report.letters import shared


def figure(name: str, title: str) -> str:
    with drawing.style():
        drawn, [axes] = drawing.canvas(title)
        axes.set_xlabel("some words")
        return drawing.finish(drawn, name, title, title).inline()


def test_letters_stand_in_a_page_once_and_every_figure_finds_them():
    page = f"<body>\n{figure('one', 'A title')}\n{figure('two', 'Another title')}\n</body>"
    found = shared(page)
    assert len(found) < 0.8 * len(page)
    identifiers = re.findall(r'\bid="([^"]+)"', found)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'href="#([^"]+)"', found)) <= set(identifiers)


def test_a_page_without_figures_stays_as_it_is():
    assert shared("<body>\n<p>words</p>\n</body>") == "<body>\n<p>words</p>\n</body>"
