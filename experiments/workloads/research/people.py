"""Documents about people, their societies, and the rules they keep."""

from __future__ import annotations

from experiments.workloads.research.kinds import WEEKDAYS, Property, Subjects, listed

PEOPLE = Subjects(
    kind="person",
    names=listed(
        "Ansa Belforth, Joren Tillick, Mirre Vashta, Odo Penwick, Celia Drumm, Halvar Quist, Bettin Roe, "
        "Lusine Farrow, "
        "Garrick Holm, Ysolde Marn, Pieter Wickstead, Nella Oskam, Tomas Brindle, Wanda Ilmari, Edric Souter, "
        "Fenna Kolb, Isak Thornby, Rosalba Finch, Ulf Merriden, Dorthe Lanyard, Kasimir Pell, Vigdis Orme, "
        "Bram Ostrander, Sanna Whitlock"
    ),
    title="{name}",
    opening="{name} belongs to the people of the Ardel valley whose names one meets again and again, like {other}.",
    attributes=(
        Property(
            name="born",
            says="{name} was born in {value}.",
            plain="In which year was {name} born?",
            reworded="How long ago did {name} come into the world: which year was it?",
            numbers=(1872, 1920, 2),
        ),
        Property(
            name="birthplace",
            says="The birthplace of {name} is {value}.",
            plain="What is the birthplace of {name}?",
            reworded="Which town does {name} come from?",
            named="town",
        ),
        Property(
            name="trade",
            says="By trade {name} is a {value}.",
            plain="What is {name} by trade?",
            reworded="How does {name} earn a living?",
            words=listed(
                "glassblower, cartographer, beekeeper, locksmith, weaver, ferry pilot, stonemason, bookbinder, cooper, "
                "saddler, dyer, clockmaker, potter, baker, printer, surveyor, miller, tanner, brewer, carpenter, "
                "gardener, tailor, fisher, smith"
            ),
        ),
        Property(
            name="letters",
            says="{name} left {value} letters.",
            plain="How many letters did {name} leave?",
            reworded="How large is the correspondence of {name} that was found?",
            numbers=(62, 980, 19),
        ),
        Property(
            name="house",
            says="The house of {name} has the number {value}.",
            plain="Which number does the house of {name} have?",
            reworded="At which door does one knock to visit {name}?",
            numbers=(7, 205, 4),
            former="When the street was shorter, the house of {name} had the number {old}.",
        ),
        Property(
            name="medal",
            says="{name} was given the valley medal in {value}.",
            plain="In which year was {name} given the valley medal?",
            reworded="When was {name} honoured by the valley?",
            numbers=(1941, 1999, 2),
        ),
    ),
    remarks=(
        "Those who knew the family speak of long evenings and short answers.",
        "A portrait hangs in the town hall of {town}, with the hands left unfinished.",
        "The early years were spent on the road, with little more than a bag of tools.",
        "In {season} one could be sure to find the shop closed.",
        "The friendship with {other} began over a borrowed ladder.",
        "Nobody in the valley wrote a clearer hand.",
        "The notebooks are full of drawings of birds, and of prices.",
        "Apprentices were treated well and fed badly.",
        "{machine} was mended here more than once, and never for money.",
        "A street in {town} bears the name, though it is misspelt.",
        "The garden was famous, and the fence around it more so.",
        "It is not true that the barn was set on fire.",
        "Every Sunday there was music, whatever the neighbours said.",
        "A stay at the coast was cut short by homesickness.",
        "The tools are in a museum now, all but the smallest plane.",
        "What is told about the bear is told of three other people too.",
        "Money was lent freely and never written down.",
        "The speech at the opening of the weir is still quoted.",
        "A cousin in {town} kept the papers in a flour bin.",
        "The walk over the ridge was made every {season}, alone.",
        "A quarrel with {other} lasted for years and ended at a wedding.",
        "There was always a dog, and always with the same name.",
        "Visitors were given soup before they were asked what they wanted.",
        "The last years were quiet and, by all accounts, happy.",
    ),
)

SOCIETIES = Subjects(
    kind="society",
    names=listed(
        "Society of Well Diggers, Guild of Bell Founders, Circle of Night Watchmen, Union of Raft Builders, "
        "Club of Cloud Readers, League of Hedge Layers, Company of Salt Carriers, Order of Lamp Lighters, "
        "Assembly of Seed Keepers, Bench of Bridge Menders"
    ),
    title="The {name}",
    opening="The {name} is one of the old associations of the Ardel valley, and no friend of the {other}.",
    attributes=(
        Property(
            name="members",
            says="The {name} has {value} members.",
            plain="How many members does the {name} have?",
            reworded="How many people belong to the {name}?",
            numbers=(24, 700, 29),
            former="A generation ago the {name} had {old} members.",
        ),
        Property(
            name="fee",
            says="Members of the {name} pay {value} coins a year.",
            plain="How many coins a year do members of the {name} pay?",
            reworded="What does it cost to belong to the {name}?",
            numbers=(4, 90, 4),
        ),
        Property(
            name="seat",
            says="The seat of the {name} is in {value}.",
            plain="In which town is the seat of the {name}?",
            reworded="Where are the rooms of the {name}?",
            named="town",
        ),
        Property(
            name="founded",
            says="The {name} was founded in {value}.",
            plain="In which year was the {name} founded?",
            reworded="Since which year has there been a {name}?",
            numbers=(1502, 1880, 13),
        ),
        Property(
            name="meets",
            says="The {name} meets on {value}.",
            plain="On which day does the {name} meet?",
            reworded="Which evening of the week is the {name} together?",
            words=WEEKDAYS,
        ),
        Property(
            name="books",
            says="The library of the {name} holds {value} books.",
            plain="How many books does the library of the {name} hold?",
            reworded="How large is the collection that readers of the {name} can use?",
            numbers=(310, 4900, 170),
        ),
    ),
    remarks=(
        "New members bring a witness and a tool of their own making.",
        "The banner is carried at funerals and washed afterwards.",
        "Minutes are read aloud, including the jokes.",
        "Women were admitted early, as the society likes to say.",
        "The chest with three locks is opened once a year.",
        "{person} was a member for a while and left over a matter of principle.",
        "In {season} there are lectures, mostly about water.",
        "The rooms smell of pipe smoke, although nobody has smoked there for long.",
        "Guests may listen, but not vote.",
        "The quarrel with the {other} began over a bell rope.",
        "A widow's fund is fed by fines for coming late.",
        "Its drawings were copied by engineers from the coast.",
        "Every member owes the society two days of work.",
        "The oldest member sits nearest to the stove.",
        "A branch in {town} was closed for want of chairs.",
        "The song of the society has more verses than singers.",
        "What is said in the back room is not written down.",
        "Its apprentices walk from {town} to the spring and back.",
        "The seal shows a hand and something that may be a fish.",
        "Good weather is considered an excuse for absence.",
        "Elections are held with beans, white and brown.",
        "The door is opened by whoever stands nearest to it.",
        "A model of {machine} stands on the shelf.",
        "Complaints are answered within the month.",
    ),
)

RULES = Subjects(
    kind="rule",
    names=listed(
        "Bridge Rule, Ferry Rule, Well Rule, Chimney Rule, Night Rule, Orchard Rule, Kiln Rule, Hunting Rule, "
        "Mooring Rule, Cart Rule, Timber Rule, Scales Rule, Fence Rule, Lamp Rule, Weir Rule, Beehive Rule"
    ),
    title="The {name}",
    opening="The {name} is one of the common rules of the Ardel valley, and is read out together with the {other}.",
    attributes=(
        Property(
            name="force",
            says="The {name} came into force in {value}.",
            plain="In which year did the {name} come into force?",
            reworded="Since which year must people heed the {name}?",
            numbers=(1610, 1900, 9),
        ),
        Property(
            name="fine",
            says="Whoever breaks the {name} pays a fine of {value} coins.",
            plain="How many coins is the fine for breaking the {name}?",
            reworded="What does it cost to disobey the {name}?",
            numbers=(15, 510, 15),
            former="In its first form the {name} asked for a fine of {old} coins.",
        ),
        Property(
            name="notice",
            says="Exceptions to the {name} must be asked for {value} days ahead.",
            plain="How many days ahead must exceptions to the {name} be asked for?",
            reworded="How early does one have to apply to be freed from the {name}?",
            numbers=(3, 60, 3),
        ),
        Property(
            name="articles",
            says="The {name} has {value} articles.",
            plain="How many articles does the {name} have?",
            reworded="Into how many parts is the text of the {name} divided?",
            numbers=(5, 44, 2),
        ),
        Property(
            name="warden",
            says="The warden of the {name} is {value}.",
            plain="Who is the warden of the {name}?",
            reworded="Who sees to it that the {name} is kept?",
            named="person",
        ),
    ),
    remarks=(
        "It is painted on a board beside the town hall of every town.",
        "Strangers are told of it once, and fined the second time.",
        "The wording is older than the paper it is written on.",
        "Children learn the first sentence by heart.",
        "In {season} it is handled with some patience.",
        "A judge from {town} once called it the shortest poem of the valley.",
        "Disputes go first to the neighbours, then to the council.",
        "Nothing in it speaks of boats, and boats are therefore free.",
        "{person} tried to have it shortened, and it became longer.",
        "The {other} was written by the same hand.",
        "Doctors and midwives need not heed it.",
        "It does not hold on feast days.",
        "A copy lies in the archive, with a ring from a cup on it.",
        "The fines go to the poor box, after the cost of the board.",
        "Nobody can say that it was not read aloud.",
        "In {town} it is kept more strictly than elsewhere.",
        "A note in the margin has given rise to two lawsuits.",
        "Travellers find it odd and then sensible.",
        "It was suspended during the great flood and never missed.",
        "The council looks at it anew when somebody asks for that.",
        "Machines such as {machine} fall under it like everybody else.",
        "What counts as evening is for the bell ringer to say.",
        "The oldest copy has no date and two mistakes.",
        "Those who live beyond the weir have a rule of their own.",
    ),
)
