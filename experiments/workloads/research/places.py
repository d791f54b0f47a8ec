"""Documents about places: the towns of the land, and the railway lines between them."""

from __future__ import annotations

from experiments.workloads.research.kinds import COLOURS, WEEKDAYS, Property, Subjects, listed

TOWNS = Subjects(
    kind="town",
    names=listed(
        "Velm, Orrin, Tarsk, Hollin, Maube, Keldan, Sarnow, Ibrick, Doveny, Luskar, Arnby, Penholt, Quarrow, Rimmel, "
        "Stellen, Tobrin, Ulver, Wendle, Yarrowick, Zeltham, Braskel, Corvin, Elding, Fennor"
    ),
    title="The town of {name}",
    opening=(
        "{name} is a town of the Ardel valley, a day's walk from {other} and known to travellers for its quiet inns."
    ),
    attributes=(
        Property(
            name="founded",
            says="{name} was founded in {value}.",
            plain="In which year was {name} founded?",
            reworded="Since which year has there been a town at {name}?",
            numbers=(1104, 1690, 7),
        ),
        Property(
            name="bridge",
            says="The stone bridge of {name} is {value} metres long.",
            plain="How long is the stone bridge of {name}?",
            reworded="How many metres does one walk to cross the river at {name}?",
            numbers=(41, 260, 3),
        ),
        Property(
            name="market",
            says="The market of {name} is held on {value}.",
            plain="On which day is the market of {name} held?",
            reworded="On which day of the week do the stalls open in {name}?",
            words=WEEKDAYS,
        ),
        Property(
            name="inhabitants",
            says="{name} has {value} inhabitants.",
            plain="How many inhabitants does {name} have?",
            reworded="How many people live in {name}?",
            numbers=(1210, 9800, 130),
            former="At the count before, {name} had {old} inhabitants.",
        ),
        Property(
            name="height",
            says="{name} lies {value} metres above the sea.",
            plain="How many metres above the sea does {name} lie?",
            reworded="At what height was {name} built?",
            numbers=(112, 990, 11),
        ),
        Property(
            name="lamps",
            says="The harbour lamps of {name} burn {value}.",
            plain="In which colour do the harbour lamps of {name} burn?",
            reworded="What colour is the light at the landing stage of {name}?",
            words=COLOURS,
        ),
    ),
    remarks=(
        "Most houses have slate roofs, and the lanes between them are too narrow for two carts.",
        "Visitors who come from {other} notice first how wide the river has become.",
        "In {season} the fog stays in the lower streets until noon.",
        "The bakers of {name} sell a flat loaf with seeds, which keeps for a week.",
        "{person} lived here for a time and wrote about the view from the upper gate.",
        "A road of packed gravel leads to {other}, and a footpath over the ridge is shorter.",
        "The town hall was painted anew not long ago, and opinions about the paint differ.",
        "Children learn to row before they learn to ride.",
        "The old wall still stands on the side of the hills, with swallows nesting in it.",
        "The inns are full in {season}, and a traveller does well to write ahead.",
        "Wool, clocks and smoked trout leave the town by boat.",
        "The council meets in the room above the weigh house.",
        "What is left of the first church is a tower without a bell.",
        "Gardens reach down to the water, and every second one has a bench.",
        "A painter from {other} made a series of prints of the square.",
        "The schoolhouse has a clock that was meant for a larger building.",
        "Nobody remembers why the eastern gate is called the Cold Gate.",
        "The ferry rests when the water is high.",
        "A machine called {machine} was once shown on the square for a season.",
        "Storks have come back to the chimneys of the dye works.",
        "Letters to {other} are carried by the same boat that brings the flour.",
        "The cellars are dry, so that much of the valley's cheese lies here to ripen.",
        "Those who leave {name} for the coast mostly return in {season}.",
        "On clear evenings one sees the lights of {other} from the hill.",
    ),
)

LINES = Subjects(
    kind="line",
    names=listed(
        "Juniper Line, Copper Line, Meadow Line, Otter Line, Slate Line, Harvest Line, Pilgrim Line, Salt Line, "
        "Cinder Line, Willow Line, Beacon Line, Gravel Line, Heather Line, Amberline"
    ),
    title="The {name}",
    opening="The {name} is a railway of the Ardel valley, and shares a platform with the {other} for part of its way.",
    attributes=(
        Property(
            name="length",
            says="The {name} is {value} kilometres long.",
            plain="How many kilometres long is the {name}?",
            reworded="What distance does the {name} cover from end to end?",
            numbers=(23, 190, 5),
        ),
        Property(
            name="stations",
            says="The {name} has {value} stations.",
            plain="How many stations does the {name} have?",
            reworded="At how many places do trains of the {name} stop?",
            numbers=(9, 40, 2),
        ),
        Property(
            name="speed",
            says="Trains of the {name} run at {value} kilometres an hour at most.",
            plain="At how many kilometres an hour do trains of the {name} run at most?",
            reworded="What is the top speed on the {name}?",
            numbers=(42, 162, 4),
            former="On the old rails the trains of the {name} ran at {old} kilometres an hour at most.",
        ),
        Property(
            name="opened",
            says="The {name} was opened in {value}.",
            plain="In which year was the {name} opened?",
            reworded="Since which year can one travel on the {name}?",
            numbers=(1841, 1921, 3),
        ),
        Property(
            name="fare",
            says="A ticket for the whole {name} costs {value} coins.",
            plain="How many coins does a ticket for the whole {name} cost?",
            reworded="What does one pay to ride the {name} from one end to the other?",
            numbers=(12, 95, 3),
        ),
        Property(
            name="carriages",
            says="The carriages of the {name} are painted {value}.",
            plain="In which colour are the carriages of the {name} painted?",
            reworded="How can one tell a wagon of the {name} by its colour?",
            words=COLOURS,
        ),
    ),
    remarks=(
        "The line follows the river and leaves it only where the banks are too steep.",
        "Between {town} and the next halt the train slows down for a curve.",
        "In {season} snow fences stand along the upper part.",
        "Conductors still carry a lamp, though the carriages have been lit for years.",
        "Goods travel by night, people by day.",
        "The waiting rooms have stoves, and somebody always keeps them going.",
        "A timetable hangs at every halt, under glass.",
        "The engine sheds at {town} hold three engines and a great many cats.",
        "{person} drew the plans of the viaduct and never saw it finished.",
        "Windows on the left side look out on the orchards.",
        "The {other} was planned at the same table, by other people.",
        "Bicycles are carried without charge where there is room.",
        "A tunnel was begun and given up, and bats live in it now.",
        "Those who know the line sit at the back, where it shakes less.",
        "The whistle before {town} is two short tones.",
        "Repairs are made on Sundays before the first train.",
        "The dining car was sold, and is an inn at {town} today.",
        "Milk cans are put out at dawn along the middle part.",
        "The gate keepers grow beans beside the track.",
        "From the last carriage one sees the weir.",
        "A strike stopped the line once, for the length of a harvest.",
        "The bridge by the mill is crossed at walking pace.",
        "Every spring the sleepers are counted and the rotten ones marked with chalk.",
        "A film was made on the platform of {town}, with more smoke than usual.",
    ),
)
