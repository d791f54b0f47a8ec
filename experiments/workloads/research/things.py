"""Documents about machines, each with a name of its own, and about feasts."""

from __future__ import annotations

from experiments.workloads.research.kinds import Property, Subjects, listed

MACHINES = Subjects(
    kind="machine",
    names=listed(
        "Grey Heron, Old Margit, Iron Badger, Patient Ox, Loud Anselm, Seventh Wheel, Blind Miller, Long Torben, "
        "Wet Sparrow, Stone Tooth, Red Lantern, Quick Needle, Deep Bucket, Brass Lark, Winter Mule, Thin Giant, "
        "Night Weaver, Salted Drum, Hollow Bell, Proud Kettle, Steep Ladder, Kind Hammer, Last Anchor, Broad Comb"
    ),
    title="The machine {name}",
    opening="{name} is one of the named machines of the Ardel valley, built by the same workshop that made {other}.",
    attributes=(
        Property(
            name="built",
            says="The machine {name} was built in {value}.",
            plain="In which year was the machine {name} built?",
            reworded="How far back does {name} date: which year did it leave the workshop?",
            numbers=(1788, 1960, 5),
        ),
        Property(
            name="power",
            says="The motor of {name} gives {value} kilowatts.",
            plain="How many kilowatts does the motor of {name} give?",
            reworded="How strong is the engine inside {name}?",
            numbers=(14, 300, 6),
            former="Before its motor was exchanged, {name} had {old} kilowatts.",
        ),
        Property(
            name="weight",
            says="{name} weighs {value} tonnes.",
            plain="How many tonnes does {name} weigh?",
            reworded="How heavy is {name}?",
            numbers=(3, 96, 2),
        ),
        Property(
            name="oil",
            says="The oil of {name} is changed every {value} hours.",
            plain="After how many hours is the oil of {name} changed?",
            reworded="How often does {name} need fresh oil?",
            numbers=(120, 1500, 35),
        ),
        Property(
            name="place",
            says="{name} stands in {value} today.",
            plain="In which town does {name} stand today?",
            reworded="Where does one go to see {name}?",
            named="town",
        ),
        Property(
            name="keeper",
            says="The keeper of {name} is {value}.",
            plain="Who is the keeper of {name}?",
            reworded="Who looks after {name}?",
            named="person",
        ),
    ),
    remarks=(
        "The frame was cast in two halves and bolted together on the spot.",
        "Its sound can be heard across the river when the wind is right.",
        "A brass plate on the side names the founders, but not the workers.",
        "The belts are of leather and are greased with tallow in {season}.",
        "Spare parts are made by hand, since nobody sells them any more.",
        "Visitors may turn the small wheel if they ask.",
        "{other} was built to the same drawings, with a shorter arm.",
        "The boiler was taken out when the cable came.",
        "In the first years it ran day and night.",
        "A school class comes every {season} and draws it.",
        "The bearings run warm in summer, which is no reason for worry.",
        "A crack in the housing was mended with a plate of copper.",
        "Its drawings hang in the town hall of {town}.",
        "The lever on the right stops everything, and is painted so.",
        "It was moved once, on rollers, and the road had to be closed for it.",
        "A song is sung about it, of which most people know the second verse.",
        "The gauge is read at noon and written into a book.",
        "Rust is its only enemy, says everybody who has worked on it.",
        "The water it needs comes from a tank behind the wall.",
        "Nobody has ever been hurt by it, and a board says so.",
        "The key is kept by the neighbour when the shed is closed.",
        "It was nearly sold abroad, and a collection saved it.",
        "On feast days it is hung with ribbons.",
        "Its manual has been copied so often that one page is missing in all copies.",
    ),
)

FEASTS = Subjects(
    kind="feast",
    names=listed(
        "Lantern Feast, Feast of Ropes, Barley Feast, Feast of Doors, Raft Feast, Feast of Small Bells, Chalk Feast, "
        "Feast of Masks, Honey Feast, Feast of Echoes, Kite Feast, Feast of Ladles"
    ),
    title="The {name}",
    opening="The {name} is kept every year in the Ardel valley, some weeks apart from the {other}.",
    attributes=(
        Property(
            name="first",
            says="The {name} was first held in {value}.",
            plain="In which year was the {name} first held?",
            reworded="Since which year do people celebrate the {name}?",
            numbers=(1420, 1890, 11),
        ),
        Property(
            name="days",
            says="The {name} lasts {value} days.",
            plain="How many days does the {name} last?",
            reworded="How long do people celebrate at the {name}?",
            numbers=(2, 27, 1),
            former="In hard times the {name} lasted {old} days.",
        ),
        Property(
            name="prize",
            says="The winner of the race at the {name} gets {value} coins.",
            plain="How many coins does the winner of the race at the {name} get?",
            reworded="What is the prize for the fastest runner at the {name}?",
            numbers=(40, 400, 15),
        ),
        Property(
            name="drums",
            says="The {name} is opened by {value} drums.",
            plain="How many drums open the {name}?",
            reworded="How many drummers does one hear when the {name} begins?",
            numbers=(6, 60, 3),
        ),
        Property(
            name="dish",
            says="The dish of the {name} is {value}.",
            plain="What is the dish of the {name}?",
            reworded="What does everybody eat at the {name}?",
            words=listed(
                "pea soup, smoked trout, plum cake, chestnut bread, onion tart, goat cheese, barley porridge, "
                "apple dumplings, pickled beets, lentil stew, walnut rolls, pear butter"
            ),
        ),
        Property(
            name="town",
            says="The {name} takes place in {value}.",
            plain="In which town does the {name} take place?",
            reworded="Where must one travel to be at the {name}?",
            named="town",
        ),
    ),
    remarks=(
        "Tables stand in the street, and everybody brings a chair.",
        "The children walk in front, the smallest with the largest hats.",
        "Rain has never stopped it, though it has shortened the speeches.",
        "A bundle of straw is carried round the square and then burnt.",
        "Shops close at noon, and the ferry runs all night.",
        "People who have moved away come back for it.",
        "{person} is said to have written the opening verse.",
        "The costumes are kept in chests and mended in {season}.",
        "Dogs are left at home, for the noise.",
        "The last dance is always the slowest one.",
        "Guests from {town} have a bench of their own.",
        "It was forbidden for some years and held in barns instead.",
        "The smoke of the kitchens can be smelt from the hills.",
        "Whoever breaks a plate pays for the next one.",
        "The {other} is older, as its friends like to point out.",
        "Lots are drawn for the place at the head of the table.",
        "In {season} the helpers meet for the first time.",
        "A boat is decorated and sent down the river without anybody in it.",
        "The mayor serves the first plate and eats the last.",
        "Musicians are paid in wine and complain of it.",
        "At midnight all bells are silent.",
        "The square is swept before and after, by the same three families.",
        "A kettle as tall as a child hangs over the fire.",
        "Those who marry on that day get a lamp from the town.",
    ),
)
