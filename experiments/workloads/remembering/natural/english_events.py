"""English: what happened once, and what only the turn before explains."""

from __future__ import annotations

from experiments.workloads.remembering.natural.words import Event, PronounPair


def _event(past: str, base: str) -> Event:
    """Return an event of its clauses, "Marela broke her arm" and "Marela break her arm"."""
    return Event(
        tell=(f"{past} {{W}}", f"it was {{W}} that {past}"),
        ask=(f"when did {base}", f"what day was it when {past}", f"how long ago did {base}"),
    )


EVENTS = {
    name: _event(past, base)
    for name, past, base in (
        ("tooth", "{S} had a wisdom tooth pulled", "{S} have a wisdom tooth pulled"),
        ("license", "{S} passed {his} driving test", "{S} pass {his} driving test"),
        ("keys", "{S} lost {his} house keys on the tram", "{S} lose {his} house keys on the tram"),
        ("piano", "{S} sold the old piano", "{S} sell the old piano"),
        ("exam", "{S} sat the final chemistry exam", "{S} sit the final chemistry exam"),
        ("arm", "{S} broke {his} arm on the ice", "{S} break {his} arm on the ice"),
        ("roof", "{S} got the leaking roof mended", "{S} get the leaking roof mended"),
        ("phone", "{S} dropped {his} phone into the lake", "{S} drop {his} phone into the lake"),
        ("marathon", "{S} ran {his} first marathon", "{S} run {his} first marathon"),
        ("kitchen", "{S} painted the kitchen", "{S} paint the kitchen"),
        ("passport", "{S} collected {his} new passport", "{S} collect {his} new passport"),
        ("grandmother", "{S} visited {his} grandmother in hospital", "{S} visit {his} grandmother in hospital"),
        ("bees", "{S} got a swarm of bees for the garden", "{S} get a swarm of bees for the garden"),
        ("choir", "{S} joined the church choir", "{S} join the church choir"),
        ("fence", "{S} put up the fence", "{S} put up the fence"),
        ("fine", "{S} was fined for parking", "{S} get fined for parking"),
        ("engagement", "{S} got engaged", "{S} get engaged"),
        ("thesis", "{S} handed in {his} thesis", "{S} hand in {his} thesis"),
    )
}

EXCHANGES = {
    "flat": PronounPair(
        detail="town",
        value="day",
        asked="<Did {S} finally find|Has {S} found|Did {S} ever find> <a|that> flat in {D}?",
        told="{S} has been looking for a flat in {D} for <months|half a year|ages> and it <drives everybody mad|is"
        " all we"
        " talk about|takes up every weekend>. <Rents there are just silly.|Three viewings a week, and nothing.>",
        followed="That sounds tiring. Did anything come of it?",
        short=("Yes, {he} moved <in|there> on {V}.", "{he} did, {he} got the keys on {V}."),
        ask=("when did {S} move into the flat in {D}", "on which day did {S} get the flat in {D}"),
    ),
    "interview": PronounPair(
        detail="firm",
        value="day",
        asked="<Has|So, has> {S} heard back from {D} about the <interview|job interview>?",
        told="{S} had an interview at {D} and has been <staring at the phone|jumping at every ring|hardly sleeping>"
        " ever"
        " since. <I try to keep everybody calm.|The waiting is worse than the interview was.>",
        followed="Waiting is hard. Have they said when they will decide?",
        short=("Yes, they want {him} back on {V}.", "They rang, {he} has a second round on {V}."),
        ask=("when is {S} invited to the second interview at {D}", "what day does {D} want {S} back for an interview"),
    ),
    "dog": PronounPair(
        detail="town",
        value="pet",
        asked="<Is it true that|I heard that> {S} took in a stray dog from the shelter in {D}<?|, did you know?>",
        told="{S} <drove all the way|went> to the animal shelter in {D} to look at a stray dog. <Two hours each way,"
        " in the"
        " rain.|I would have come along, but I had to work.>",
        followed="How did it go, is there a new member of the family?",
        short=(
            "Oh yes, they call him {V}<.|, he is adorable.|, he chews everything.>",
            "Of course, and he is {V} from today on.",
        ),
        ask=(
            "what is the stray dog called that {S} got from the shelter in {D}",
            "what did {S} name the shelter dog from {D}",
        ),
    ),
    "wedding": PronounPair(
        detail="town",
        value="day",
        asked="<Have they set a date|Is there a date> for {P} wedding in {D}?",
        told="{S} wants to get married in {D}, in the <little|old|white> chapel by the <river|mill>. <The guest list"
        " alone"
        " has caused two quarrels.|My suit does not fit, of course.>",
        followed="Lovely! Is there a date yet?",
        short=("Yes, it will be {V}.", "They settled on {V}, so save it."),
        ask=("when is {P} wedding in {D}", "what date was set for {P} wedding in {D}"),
    ),
    "bike": PronounPair(
        detail="firm",
        value="price",
        asked="What did {D} want for repairing {P} <bike|bicycle>?",
        told="{S} took the <bike|bicycle> to {D} after the crash. <The front wheel looked like a crisp.|It was only"
        " two years"
        " old.> I said it was not worth it, but nobody listens to me.",
        followed="I see. What did they say about the bill?",
        short=("{V}, <can you believe it|imagine|just like that>?", "They asked for {V}<.| in cash.| and {he} paid.>"),
        ask=("how much did {D} want for repairing {P} bike", "what did {S} have to pay {D} for the bike"),
    ),
    "cat": PronounPair(
        detail="person",
        value="town",
        asked="Is {D} <still|going to be> the one who takes {P} cat<?| over the summer?>",
        told="{S} is going abroad and left the cat with {D}. <It hissed at everybody the whole morning.|The goodbye"
        " took an"
        " hour.> I only hope that works out.",
        followed="Is the cat settling in there?",
        short=("No, it ran away and turned up in {V}.", "Not really, somebody found it in {V}<.| of all places.>"),
        ask=(
            "where did {P} cat turn up after it was left with {D}",
            "in which town was {P} cat found that {D} looked after",
        ),
    ),
    "choir": PronounPair(
        detail="town",
        value="title",
        asked="What is {P} choir <going to sing|singing> at the festival in {D}?",
        told="{S} is rehearsing with the choir for the festival in {D}, <every evening|four times a week>. <We hear it"
        " through the wall.|Even the dog hums along by this time.>",
        followed="That sounds like a serious programme. What are they singing?",
        short=("It is called {V}<.|, I think.|, all two hours of it.>", "{V}, the whole thing."),
        ask=(
            "what does {P} choir sing at the festival in {D}",
            "which piece is {S} rehearsing for the festival in {D}",
        ),
    ),
    "exam": PronounPair(
        detail="town",
        value="rank",
        asked="How did {S} do in the <entrance exam|exam> for the school in {D}?",
        told="{S} took the entrance exam for the music school in {D}. <Six hundred people for forty places.|I have"
        " never seen"
        " anybody practise so much.>",
        followed="And, is the list out already?",
        short=("It is, {he} came {V}.", "Yes, {he} was {V} on the list<.|, what a relief.>"),
        ask=("which place did {S} get in the exam for the school in {D}", "how did {S} do in the entrance exam in {D}"),
    ),
    "car": PronounPair(
        detail="person",
        value="price",
        asked="Did {S} <really|in the end> sell the <old car|car> to {D}?",
        told="{S} wants to sell the old car to {D}. <It has a dent in every door.|Half of it is rust by my"
        " estimate.> I would"
        " not sell a car to a friend, you only get trouble.",
        followed="You may be right. Have they agreed on something?",
        short=("Yes, for {V}<.| and a handshake.| including the winter tyres.>", "They did, {he} got {V} for it."),
        ask=("for how much did {S} sell the car to {D}", "how much did {D} pay {S} for the old car"),
    ),
    "surgery": PronounPair(
        detail="person",
        value="day",
        asked="Has doctor {D} <told|let> {S} <when the knee operation is|know about the knee operation>?",
        told="{S} saw doctor {D} about the knee. <Stairs are out of the question.|It has been swollen since the"
        " skiing trip.>"
        " It looks as if there is no way around an operation.",
        followed="I am sorry to hear that. Is there a date for it?",
        short=(
            "It is on {V}<.|, first thing in the morning.>",
            "Yes, {he} has to be there on {V}<.|, without breakfast.>",
        ),
        ask=("when does doctor {D} operate on {P} knee", "on what day is {P} knee operation with doctor {D}"),
    ),
}
