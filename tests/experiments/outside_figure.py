"""A figure that another package draws of the trials of a study."""

from experiments.report import drawing


def draw(scene):
    shown = scene.measured("seed_parity")
    title = f"An outside figure of {len(scene.trials)} trials"
    figure, [axes] = drawing.canvas(title)
    axes.plot(shown["block"], shown["value"], linestyle="none", label="a point a trial", **drawing.look(0))
    axes.set_xlabel("block")
    return [drawing.finish(figure, f"outside-{scene.name}", title, f"{title}. A point a block.", scene.notes(shown))]
