"""English families of questions: each a meaning put in several ways, and (after "-") the same turned round.

The families of the held-out split are about other things in other frames than those of the settling split, and take
other values.
"""

from __future__ import annotations

SETTLING = """
How long should I boil {food}?
For how many minutes do {food} have to be boiled?
What's the boiling time for {food}?
I'd like to know how long {food} need to cook in boiling water.

Is it safe to eat raw {food}?
Can you eat {food} raw without getting sick?
Are {food} okay to eat uncooked?
- Is it dangerous to eat raw {food}?

How do I reset the password on a {device}?
What are the steps for resetting a {device} password?
I forgot the password of a {device}, how can I set a new one?
- How do I keep the password on a {device}?

What is the capital of {country}?
Which city is the capital of {country}?
Name the capital city of {country}.
Tell me {country}'s capital.

Who founded {company}?
Who was the founder of {company}?
By whom was {company} founded?
- Who sold {company}?

How far is {city} from {city2}?
What is the distance between {city} and {city2}?
How many kilometres separate {city} and {city2}?

Why does {metal} rust?
What makes {metal} rust?
What's the reason that {metal} gets rusty?
- Why does {metal} not rust?

Are dogs allowed on trains in {country}?
Can I take a dog on the train in {country}?
Do {country}'s trains accept dogs?
- Are dogs banned on trains in {country}?

How do I increase the brightness of a {device}?
What do I do to make a {device} brighter?
How can the brightness of a {device} be turned up?
- How do I decrease the brightness of a {device}?

Did {person} hire {person2}?
Was {person2} hired by {person}?
Is it true that {person} gave {person2} a job?
- Did {person2} hire {person}?

How many legs does a {animal} have?
What number of legs has a {animal}?
How many legs are there on a {animal}?

Which vitamins are in {food}?
What vitamins do {food} contain?
Name the vitamins found in {food}.
- Which vitamins are missing in {food}?

How much is {number} pounds in kilograms?
Convert {number} pounds to kilograms.
What do {number} pounds weigh in kg?
- Convert {number} kilograms to pounds.

When did {person} publish the first novel?
In which year was the first novel of {person} published?
What year did the first novel by {person} come out?
- When did {person} publish the last novel?

How can I make a {animal} stop biting?
What helps against a biting {animal}?
How do you train a {animal} not to bite?
- How can I make a {animal} start biting?

What does the error {code} mean?
What is the meaning of error {code}?
Explain error code {code}.

Does the {service} plan include international calls?
Are international calls part of the {service} plan?
Are calls abroad included in the {service} plan?
- Does the {service} plan exclude international calls?

What is the maximum speed of a {vehicle}?
How fast can a {vehicle} go at most?
What's the top speed a {vehicle} reaches?
- What is the minimum speed of a {vehicle}?
"""

HELD_OUT = """
How often should {plant} be watered?
How frequently do {plant} need water?
At what intervals does one water {plant}?
How many times a week do I have to give {plant} water?

Is {drug} harmful during pregnancy?
Can pregnant women be hurt by {drug}?
Does taking {drug} while pregnant do any harm?
- Is {drug} harmless during pregnancy?

What is the best way to store {fruit}?
How should {fruit} be kept so that they stay fresh?
Where and how do I keep {fruit} after buying them?
- What is the worst way to store {fruit}?

Who composed {work}?
Which composer wrote {work}?
{work} is by which composer?
Whose composition is {work}?

How do I cancel a {subscription} subscription?
What do I have to do to end a {subscription} membership?
How can one unsubscribe from {subscription}?
- How do I renew a {subscription} subscription?

Which river flows through {town}?
What's the name of the river in {town}?
{town} lies on what river?

At what temperature does {liquid} freeze?
What is the freezing point of {liquid}?
How cold must it be for {liquid} to turn solid?
- At what temperature does {liquid} boil?

Does {language} have grammatical gender?
Are nouns in {language} masculine or feminine?
Is there gender in the grammar of {language}?
- Does {language} lack grammatical gender?

How do I install {software} on a laptop?
What's the procedure to get {software} running on a laptop?
Setting up {software} on a laptop: how does it work?
- How do I uninstall {software} on a laptop?

Did {queen} defeat {queen2}?
Was {queen2} beaten by {queen}?
Is it correct that {queen} won against {queen2}?
- Did {queen2} defeat {queen}?

What is {count} percent of {base}?
Calculate {count} % of {base}.
How much is {count} percent of {base}?
- What is {base} percent of {count}?

Why do {bird} migrate?
For what reason do {bird} migrate every year?
What causes the migration of {bird}?
- Why do {bird} not migrate?

How do I export a {file} file?
In what way can a {file} file be exported?
What steps does exporting a {file} file take?
- How do I import a {file} file?

When was the bridge in {town} built?
In what year did they build the bridge of {town}?
What is the construction year of the bridge in {town}?
- When was the bridge in {town} demolished?

Is {fruit} juice good for the kidneys?
Do the kidneys benefit from {fruit} juice?
Does drinking {fruit} juice help the kidneys?
- Is {fruit} juice bad for the kidneys?

Translate the word {word} from German to Dutch.
What is the Dutch translation of the German word {word}?
How does one say the German {word} in Dutch?
- Translate the word {word} from Dutch to German.

Is the {museum} museum open on Mondays?
Can the {museum} museum be visited on Mondays?
Does the {museum} museum open its doors on a Monday?
- Is the {museum} museum closed on Mondays?

How many calories are in {amount} grams of {fruit}?
What's the calorie count of {amount} g of {fruit}?
{amount} grams of {fruit} have how many calories?
"""

VALUES: dict[str, dict[str, str]] = {
    "settling": {
        "food": "eggs,potatoes,carrots,mushrooms,beans,oysters",
        "device": "router,printer,tablet,television,camera",
        "country": "Austria,Australia,Iran,Iraq,Niger,Nigeria,Slovakia,Slovenia",
        "company": "Nolvera,Nolvara,Kestrix,Kestrax,Ombrelle",
        "city": "Bergen,Bremen,Vienna,Verona,Lisbon",
        "city2": "Turin,Tunis,Prague,Parma,Riga",
        "metal": "iron,steel,copper,zinc",
        "person": "Anna Keller,Anna Kehler,Martin Hale,Marten Hale,Joan Ferris,John Ferris",
        "person2": "Peter Lund,Petra Lund,Erik Moss,Erika Moss",
        "animal": "puppy,parrot,hamster,kitten,spider",
        "number": "12,13,20,200,45,54",
        "code": "E102,E120,E201,0x80,0x88",
        "service": "Silver,Sliver,Basic,Premium",
        "vehicle": "tram,train,scooter,ferry",
    },
    "held-out": {
        "plant": "orchids,cacti,ferns,tulips,roses",
        "drug": "Loratil,Loratal,Benzamol,Benzanol,Cortavin",
        "fruit": "lemon,lime,cherry,cranberry,blueberry",
        "work": "Winterlied,Winterlicht,The Grey Heron,The Great Heron,Opus 14,Opus 41",
        "subscription": "Streamly,Streamlet,Musica,Musika,Newsbox",
        "town": "Harlow,Harrow,Linden,Lindau,Grasmere",
        "liquid": "mercury,ethanol,seawater,vinegar",
        "language": "Estonian,Finnish,Bengali,Nepali,Hungarian",
        "software": "Blendic,Blendix,Rawtool,Rowtool",
        "queen": "Isolde,Isabel,Maren,Marin",
        "queen2": "Edda,Edna,Sigrun,Sigrid",
        "count": "15,50,7,70,18,81",
        "base": "240,420,900,960",
        "bird": "swallows,storks,geese,swifts",
        "file": "spreadsheet,database,calendar,contacts",
        "word": "Tor,Tür,Kirche,Kirsche,Stern",
        "museum": "Railway,Maritime,Textile,Aviation",
        "amount": "30,300,150,115",
    },
}

# Words that mean something only after what was said before, and what may have been said: two histories each.
LEANING = (
    ("And what about the second one?", ("Compare oak and pine.", "Compare Rome and Oslo.")),
    ("Why is that?", ("Water boils at a lower temperature on mountains.", "Bats sleep upside down.")),
    ("How long does it take?", ("Tell me about the ferry to Crete.", "Tell me about baking rye bread.")),
    ("Who wrote it?", ("I am reading Middlemarch.", "I am reading Dracula.")),
    ("Can you explain the last step again?", ("How is cheese made?", "How do I change a tyre?")),
    ("Is there a cheaper alternative?", ("I am looking at a cello.", "I am looking at a canoe.")),
    ("Give me two more examples.", ("Name three mammals.", "Name three metals.")),
    ("What are the side effects?", ("The doctor gave me Loratil.", "The doctor gave me Cortavin.")),
    ("And the population?", ("What is the capital of Chile?", "What is the capital of Kenya?")),
    ("Translate the sentence into Dutch.", ("The sentence is: the sea is calm.", "The sentence is: the bus is late.")),
    ("What is my sister's name?", ("My sister is called Ada.", "My sister is called Ida.")),
    ("Where did I park the car?", ("I parked the car on Mill Lane.", "I parked the car on Hill Lane.")),
    ("What should I cook for dinner?", ("I am allergic to nuts.", "I eat no meat.")),
    ("How do I get to the office?", ("We moved the office to Harlow.", "We moved the office to Harrow.")),
    ("What is the wifi password at the cabin?", ("The wifi password is oak12.", "The wifi password is elm12.")),
    ("What is the capital of Chile?", ("Answer in French from now on.", "Answer in one word from now on.")),
    ("Which train goes to Linden today?", ("The trains changed this morning.", "There is a strike.")),
    ("How tall is the new tower in Lindau?", ("The tower was rebuilt, it has 90 metres now.", "It is 80 metres.")),
)
