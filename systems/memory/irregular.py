"""English words that no stemmer brings together: common irregular verbs and nouns, and two spellings of one word."""

from __future__ import annotations

# Each line: the base form, then what becomes of it. Forms that are as often another word (rose, ground, wound, bore)
# are left out, as are those that the stemmer brings together and those of "be" and "have", which nobody looks for.
_FORMS = """
arise arose arisen
beat beaten
become became
begin began begun
bend bent
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
burn burnt
buy bought
catch caught
choose chose chosen
cling clung
come came
creep crept
deal dealt
dig dug
do did done does
draw drew drawn
dream dreamt
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
find found
flee fled
fly flew flown
forbid forbade forbidden
forget forgot forgotten
forgive forgave forgiven
freeze froze frozen
get got gotten
give gave given
go went gone
grow grew grown
hang hung
hear heard
hide hid hidden
hold held
keep kept
kneel knelt
know knew known
lay laid
lead led
lean leant
leap leapt
learn learnt
leave left
lend lent
light lit
lose lost
make made
mean meant
meet met
mistake mistook mistaken
overcome overcame
pay paid
prove proven
ride rode ridden
ring rang rung
rise risen
run ran
say said
see saw seen
seek sought
sell sold
send sent
sew sewn
shake shook shaken
shine shone
shoot shot
show shown
shrink shrank shrunk
sing sang sung
sink sank sunk
sit sat
sleep slept
slide slid
smell smelt
speak spoke spoken
speed sped
spell spelt
spend spent
spill spilt
spin spun
spoil spoilt
spring sprang sprung
stand stood
steal stole stolen
stick stuck
sting stung
stink stank stunk
strike struck
strive strove striven
swear swore sworn
sweep swept
swell swollen
swim swam swum
swing swung
take took taken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
undertake undertook undertaken
wake woke woken
wear wore worn
weave wove woven
weep wept
win won
withdraw withdrew withdrawn
write wrote written
calf calves
child children
elf elves
foot feet
goose geese
half halves
knife knives
loaf loaves
louse lice
man men
mouse mice
ox oxen
person people
scarf scarves
self selves
shelf shelves
thief thieves
tooth teeth
wife wives
wolf wolves
woman women
apologize apologise apologised
behavior behaviour behaviours
center centre centres
color colour colours coloured colouring
favor favour favours
favorite favourite favourites
flavor flavour flavours
gray grey
harbor harbour
honor honour honours
jewelry jewellery
labor labour
mom mum mums
mommy mummy
neighbor neighbour neighbours
neighborhood neighbourhood neighbourhoods
organize organise organised organises organising
organization organisation organisations
pajamas pyjamas
program programme programmes
realize realise realised
recognize recognise recognised
rumor rumour rumours
theater theatre theatres
tire tyre tyres
"""

_BASES = {form: base for base, *forms in map(str.split, _FORMS.split("\n")[1:-1]) for form in forms}


def base_form(word: str) -> str:
    """Return what the irregular English ``word``, in lower case, is a form of; any other word as it is."""
    return _BASES.get(word, word)
