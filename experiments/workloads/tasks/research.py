"""Research in several steps: excerpts of sources, each with a figure that a later step needs."""

from __future__ import annotations

import random

from experiments.workloads.tasks.interface import Split, TellingTurn, ToldValue
from experiments.workloads.tasks.pools import half, number, text

_MATERIALS = (
    "basalt fibre|hemp lime|cross-laminated timber|geopolymer mortar|rammed earth|cellulose foam|slag cement|"
    "bamboo scrimber|flax epoxy|aerogel plaster|cork board|straw panel|magnesia board|recycled brick|pumice concrete|"
    "sheep wool batt|mycelium block|glass foam|wood fibre board|clay plaster|fly ash brick|jute laminate|reed mat|"
    "perlite render"
).split("|")
_PROPERTIES = (
    "tensile strength/kPa|heat conductivity/mW|drying shrinkage/ppm|vapour resistance/units|bulk density/grams|"
    "embodied carbon/grams|peak load/newtons|water uptake/grams|sound damping/units|creep rate/ppm|"
    "ignition time/ms|price index/points"
).split("|")
_JOURNALS = (
    "Building Materials Letters|Journal of Plain Construction|Annals of Dwelling|Materials and Climate|"
    "Northern Engineering Review|Proceedings on Slow Houses|Structures Quarterly|Archive of Test Reports"
).split("|")
_SENTENCES = (
    "The authors took {count} specimens of {material} from three suppliers and stored them at a constant humidity for "
    "six weeks before anything was measured.",
    "Two laboratories repeated the series independently, and differ by less than the spread within either.",
    "Earlier work had reported larger values, perhaps because specimens were cut wet and tested dry.",
    "The climate chamber failed once during the third series, and the {count} readings of that night were discarded.",
    "A regression on thickness explains about half of what remains, and no interaction with age could be shown.",
    "For {material} the supplier's own sheet promises more, without saying how it was tested or by whom.",
    "The cost of the apparatus is given in an appendix together with the drawings and the raw readings.",
    "Specimens from the southern quarry were darker and slightly heavier, yet behaved no differently under load.",
    "The discussion warns against carrying the result over to panels of more than two metres, which were never tried.",
    "All tests followed the older standard, because the new one asks for a press that neither laboratory owns.",
    "In a blind comparison {count} craftsmen could not tell the treated surface from the untreated one.",
    "The paper closes with a list of nine open questions, the first of which is ageing under frost.",
    "Ageing over {count} cycles of wetting and drying left the mean where it was and doubled the spread.",
    "A reviewer asked for confidence intervals, and the final version gives them for every table but the last.",
    "Data of the two outlying specimens are shown but left out of the fit, with the reason stated for each.",
    "The series on {material} was paid for by a public fund, and the authors declare no interests.",
    "What is called moderate exposure here corresponds to an unheated attic in a coastal town.",
    "Handling matters: where gloves were not worn, the first readings of the day were higher by a tenth.",
)
_OPENINGS = {
    "settling": "Next excerpt, passage {place}, from {journal}, on {material}.",
    "reporting": "Please read passage {place}, taken from {journal}, about {material}.",
}
_TOLD = {
    "settling": (
        "In passage {place} the {property} of {material} came to {value} {unit}.",
        "To how much did the {property} of {material} come in passage {place}?",
    ),
    "reporting": (
        "In passage {place} the {property} of {material} was {value} {unit}.",
        "What was the {property} of {material} in passage {place}?",
    ),
}
_NOTED = {
    "settling": (
        "I filed passage {place} as note {value}.",
        "As which note did you file passage {place}, on {material}?",
    ),
    "reporting": (
        "Passage {place} is summed up in note {value}.",
        "In which note did you sum up passage {place}, about {material}?",
    ),
}
_GOES_ON = (
    " The method looks sound for a series of this size, and the spread between the two laboratories is smaller than "
    "what we found in the passages before; I would still look for a second source before we rely on it in the summary."
)


def told(rng: random.Random, split: Split, place: int) -> TellingTurn:
    """Return the ``place``-th excerpt; passages are numbered, so each value is asked for by a question of its own."""
    material = rng.choice(half(_MATERIALS, split))
    quality, unit = rng.choice(half(_PROPERTIES, split)).split("/")
    value, note = str(number(rng, split, 1000, 10_000)), f"R-{number(rng, split, 1000, 10_000)}"
    slots = {
        "place": str(place + 1),
        "material": material,
        "property": quality,
        "unit": unit,
        "journal": rng.choice(half(_JOURNALS, split)),
        "count": str(rng.randrange(12, 90)),
    }
    sentences = text(rng, _SENTENCES, slots, rng.randrange(10, 16))
    statement, question = (each.format(value=value, **slots) for each in _TOLD[split])
    noted, asks = (each.format(value=note, **slots) for each in _NOTED[split])
    sentences.insert(rng.randrange(len(sentences)), statement)
    fact = (
        ToldValue(attribute=quality, question=question, answer=value, evidence=statement, teller="user")
        if rng.random() < 0.7
        else ToldValue(attribute="note", question=asks, answer=note, evidence=noted, teller="agent")
    )
    opening = _OPENINGS[split].format(**slots)
    return TellingTurn(text=" ".join([opening, *sentences]), reply=noted + _GOES_ON, fact=fact)
