"""English: what is told of people, and asked."""

from __future__ import annotations

from experiments.workloads.remembering.natural.words import Topic

TOPICS = {
    "holidays": Topic(
        value="town",
        details=("spring", "summer", "autumn", "winter"),
        about="the {D} holidays",
        tell=(
            "{S} spent the {D} holidays in {V}",
            "{S} went to {V} for the {D} holidays",
            "{V} was the place where {S} spent the {D} holidays",
        ),
        update=(
            "the first place was flooded, so {S} spent the {D} holidays in {V}",
            "{S} had to change {his} plans and went to {V} for the {D} holidays",
        ),
        ask=(
            "where did {S} spend the {D} holidays",
            "what was the name of the place where {S} spent the {D} holidays",
            "which place did {S} go to for the {D} holidays",
        ),
        recall=("where {S} spent the {D} holidays", "what the place was called where {S} spent the {D} holidays"),
    ),
    "flat": Topic(
        value="town",
        details=("flat", "workshop", "studio", "office"),
        about="{P} {D}",
        tell=(
            "{S} found a {D} in {V}",
            "{S} [has|have] rented a {D} in {V}",
            "the {D} that {S} rented is in {V}",
        ),
        update=(
            "we were all out carrying boxes last week, because {S} moved {his} {D} to {V}",
            "{S} gave notice in the end and took a {D} in {V}",
        ),
        ask=(
            "in which town did {S} rent a {D}",
            "where is the {D} that {S} rented",
            "what is the name of the town where {S} found a {D}",
        ),
        recall=("in which town {S} rented a {D}", "where the {D} is that {S} found"),
    ),
    "work": Topic(
        value="firm",
        details=("full-time", "weekend", "night", "summer"),
        about="{P} {D} job",
        tell=(
            "{S} got a {D} job at {V}",
            "{S} signed the contract for a {D} job with {V}",
            "{V} hired {S_object} for a {D} job",
        ),
        update=(
            "{S} handed in {his} notice and started a {D} job at {V} on Monday",
            "{V} made a better offer, so {S} took the {D} job there",
        ),
        ask=(
            "which company did {S} get a {D} job at",
            "where did {S} get a {D} job",
            "who hired {S_object} for the {D} job",
        ),
        recall=("which company gave {S_object} a {D} job", "where {S} got the {D} job"),
    ),
    "course": Topic(
        value="person",
        details=("pottery", "Italian", "sailing", "first-aid", "photography"),
        about="the {D} course",
        tell=(
            "{S} signed up for a {D} course, and the teacher is called {V}",
            "the {D} course that {S} signed up for is taught by {V}",
            "{P} teacher in the {D} course is {V}",
        ),
        update=(
            "the teacher of {P} {D} course fell ill, and {V} took over",
            "{S} switched to the Thursday group of the {D} course, where {V} is the teacher",
        ),
        ask=(
            "who teaches the {D} course that {S} signed up for",
            "what is the name of {P} teacher in the {D} course",
            "who is the teacher of the {D} course {S} signed up for",
        ),
        recall=("who teaches the {D} course {S} signed up for", "what {P} {D} teacher is called"),
    ),
    "repair": Topic(
        value="firm",
        details=("car", "bike", "laptop", "boiler", "washing machine"),
        about="{P} broken {D}",
        tell=(
            "{S} had {his} {D} repaired by {V}",
            "{S} took {his} {D} to {V} for the repair",
            "{V} repaired {P} {D}",
        ),
        update=(
            "the first repair of {P} {D} lasted two days, so {he} called {V}",
            "{S} lost patience with the first repair shop and had {his} {D} fixed by {V}",
        ),
        ask=(
            "who repaired {P} {D}",
            "which company did {S} take {his} {D} to for the repair",
            "who did {S} ask to repair {his} {D}",
        ),
        recall=("who repaired {P} {D}", "which company {S} took {his} {D} to for repair"),
    ),
    "present": Topic(
        value="thing",
        details=("birthday", "wedding", "Christmas", "farewell", "graduation"),
        about="{P} {D} present",
        tell=(
            "{S} got a {V} as a {D} present",
            "{P} {D} present was a {V}",
            "everybody chipped in and bought {S_object} a {V} as a {D} present",
        ),
        update=(
            "{S} took the {D} present back to the shop and chose a {V}",
            "two people had bought the same {D} present, so {S} swapped one for a {V}",
        ),
        ask=(
            "what did {S} get as a {D} present",
            "what was {P} {D} present",
            "what did everybody buy {S_object} as a {D} present",
        ),
        recall=("what {S} got as a {D} present", "what {P} {D} present was"),
    ),
    "appointment": Topic(
        value="day",
        details=("dentist", "eye doctor", "accountant", "vet", "physiotherapist"),
        about="{P} {D} appointment",
        tell=(
            "{P} appointment with the {D} is on {V}",
            "{S} got an appointment with the {D} for {V}",
            "the {D} can see {S_object} on {V}",
        ),
        update=(
            "the {D} rang to say that {P} appointment has been moved to {V}",
            "{S} could not make the {D} appointment and asked for another, which is on {V}",
        ),
        ask=(
            "when is {P} appointment with the {D}",
            "what day did {S} get an appointment with the {D}",
            "on which day can the {D} see {S_object}",
        ),
        recall=("on what day {P} appointment with the {D} is", "when the {D} can see {S_object}"),
    ),
    "table": Topic(
        value="restaurant",
        details=("anniversary dinner", "team lunch", "birthday party", "farewell dinner", "class reunion"),
        about="the {D} that {S} [is|am] planning",
        tell=(
            "{S} booked a table at {V} for the {D}",
            "the {D} that {S} [is|am] planning will be at {V}",
            "{S} reserved the back room of {V} for the {D}",
        ),
        update=(
            "the kitchen there had a fire, so {S} booked {V} for the {D}",
            "too many people said yes, and {S} moved the {D} to {V}",
        ),
        ask=(
            "which restaurant did {S} book for the {D}",
            "where did {S} book a table for the {D}",
            "what is the restaurant called where {S} [is|am] having the {D}",
        ),
        recall=("which restaurant {S} booked for the {D}", "where the {D} is that {S} [is|am] planning"),
    ),
    "pet": Topic(
        value="pet",
        details=("kitten", "puppy", "rabbit", "parrot", "tortoise"),
        about="{P} {D}",
        tell=(
            "{S} named the new {D} {V}",
            "{P} {D} answers to the name of {V}",
            "the {D} that {S} brought home is called {V}",
        ),
        update=(
            "{P} {D} never listened to the old name, and {V} is what everybody calls it",
            "{S} gave in to the children and renamed the {D} {V}",
        ),
        ask=(
            "what did {S} name the {D}",
            "what is the name of {P} {D}",
            "what is the {D} called that {S} brought home",
        ),
        recall=("what {P} {D} is called", "which name {S} gave the {D}"),
    ),
    "reading": Topic(
        value="title",
        details=("book club", "reading group", "school class", "long flight"),
        about="the book for the {D}",
        tell=(
            "{S} picked {V} for the {D} to read",
            "the book that {S} chose for the {D} is {V}",
            "{S} bought {V} to read for the {D}",
        ),
        update=(
            "{S} could not get through that book, so it is {V} for the {D}",
            "half of the copies never came, and {S} chose {V} for the {D}",
        ),
        ask=(
            "which book did {S} pick for the {D}",
            "what is the title of the book {S} chose for the {D}",
            "what did {S} choose to read for the {D}",
        ),
        recall=("which book {S} chose for the {D}", "what the book was called that {S} picked for the {D}"),
    ),
    "price": Topic(
        value="price",
        details=("sofa", "camera", "guitar", "winter coat", "bookshelf", "tent"),
        about="{P} second-hand {D}",
        tell=(
            "{S} paid {V} for the second-hand {D}",
            "the {D} cost {S_object} {V}",
            "{S} got the {D} for {V}",
        ),
        update=(
            "the seller gave some money back, so {S} paid {V} for the {D} in the end",
            "with the delivery on top the {D} cost {S_object} {V}",
        ),
        ask=(
            "how much did {S} pay for the {D}",
            "what did the {D} cost {S_object}",
            "how much money did {S} spend on the {D}",
        ),
        recall=("how much {S} paid for the {D}", "what the {D} cost {S_object}"),
    ),
    "code": Topic(
        value="code",
        details=("bike lock", "suitcase", "garden gate", "locker", "alarm"),
        about="{P} {D}",
        tell=(
            "the code for {P} {D} is {V}",
            "{P} {D} opens with the code {V}",
            "{S} set the code of the {D} to {V}",
        ),
        update=(
            "after the break-in {S} changed the {D} code to {V}",
            "too many people knew the {D} code, so {S} made it {V}",
        ),
        ask=(
            "what is the code for {P} {D}",
            "which code did {S} set for the {D}",
            "what number opens {P} {D}",
        ),
        recall=("what the code for {P} {D} is", "which code {S} set for the {D}"),
    ),
    "cooking": Topic(
        value="dish",
        details=("school fair", "neighbours' party", "church supper", "village market", "picnic"),
        about="the food for the {D}",
        tell=(
            "{S} cooked {V} for the {D}",
            "{S} brought {V} to the {D}, all homemade",
            "{P} contribution to the {D} was {V}",
        ),
        update=(
            "{S} burnt the first batch and brought {V} to the {D}",
            "somebody else had the same idea, so {S} cooked {V} for the {D}",
        ),
        ask=(
            "what did {S} cook for the {D}",
            "which dish did {S} bring to the {D}",
            "what was {P} contribution to the {D}",
        ),
        recall=("what {S} cooked for the {D}", "which dish {S} brought to the {D}"),
    ),
    "race": Topic(
        value="rank",
        details=("half marathon", "charity run", "chess tournament", "regatta", "pub quiz"),
        about="the {D}",
        tell=(
            "{S} came {V} in the {D}",
            "{S} finished the {D} in {V} place",
            "{V} place is where {S} ended up in the {D}",
        ),
        update=(
            "the judges had miscounted, and {S} came {V} in the {D}",
            "somebody was disqualified, which puts {S_object} in {V} place in the {D}",
        ),
        ask=(
            "which place did {S} come in the {D}",
            "how did {S} finish in the {D}, in which place",
            "in what place did {S} end up in the {D}",
        ),
        recall=("which place {S} came in the {D}", "in what place {S} finished the {D}"),
    ),
    "lending": Topic(
        value="person",
        details=("ladder", "drill", "projector", "sewing machine", "sleeping bag"),
        about="{P} {D}",
        tell=(
            "{S} lent {his} {D} to {V}",
            "{V} borrowed {P} {D}",
            "{P} {D} is with {V}, who borrowed it",
        ),
        update=(
            "{S} got the {D} back and lent it to {V}",
            "{V} came by and picked up {P} {D}, so that is where it is",
        ),
        ask=(
            "who did {S} lend {his} {D} to",
            "who borrowed {P} {D}",
            "what is the name of the person who borrowed {P} {D}",
        ),
        recall=("who borrowed {P} {D}", "who {S} lent {his} {D} to"),
    ),
    "planting": Topic(
        value="plant",
        details=("on the balcony", "in the front garden", "behind the shed", "by the kitchen window"),
        about="the plants {D}",
        tell=(
            "{S} planted {V} {D}",
            "the plants that {S} put {D} are {V}",
            "{S} spent the afternoon planting {V} {D}",
        ),
        update=(
            "the frost killed everything, so {S} planted {V} {D}",
            "the slugs had the lot, and {S} put {V} {D}",
        ),
        ask=(
            "what did {S} plant {D}",
            "which plants did {S} put {D}",
            "what kind of plants did {S} put {D}",
        ),
        recall=("what {S} planted {D}", "which plants {S} put {D}"),
    ),
    "hotel": Topic(
        value="hotel",
        details=("conference", "cousin's wedding", "concert", "job interview", "ski trip"),
        about="the hotel for the {D}",
        tell=(
            "{S} stayed at the {V} for the {D}",
            "{S} got a room at the {V} for the {D}",
            "the hotel where {S} stayed for the {D} was the {V}",
        ),
        update=(
            "the hotel had lost the booking, and {S} stayed at the {V} for the {D}",
            "{S} found mould in the first room and went to the {V} for the {D}",
        ),
        ask=(
            "which hotel did {S} stay at for the {D}",
            "what was the hotel called where {S} stayed for the {D}",
            "at which hotel did {S} get a room for the {D}",
        ),
        recall=("which hotel {S} stayed at for the {D}", "what the hotel was called where {S} stayed for the {D}"),
    ),
    "allergy": Topic(
        value="food",
        details=("rash", "cough", "headaches", "stomach ache"),
        about="{P} {D}",
        tell=(
            "the clinic found out that {P} {D} came from eating {V}",
            "{P} {D} turned out to be an allergy to {V}",
            "it is {V} that gave {S_object} the {D}",
        ),
        update=(
            "the second test showed that {P} {D} came from {V}",
            "the clinic had mixed up two samples, and it was {V} that gave {S_object} the {D}",
        ),
        ask=(
            "what did {P} {D} come from",
            "which food gave {S_object} the {D}",
            "what was the allergy behind {P} {D}",
        ),
        recall=("which food {P} {D} came from", "what gave {S_object} the {D}"),
    ),
}
