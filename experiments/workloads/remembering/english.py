"""What is said in English."""

from __future__ import annotations

from experiments.workloads.remembering.words import Attribute, Words

ENGLISH = Words(
    attributes={
        "home": Attribute(
            value="town",
            state=("{S} [lives|live] in {V}", "{P} home is in {V}", "the town where {S} [lives|live] is {V}"),
            change=(
                "{S} [has|have] moved and now [lives|live] in {V}",
                "{P} home is now in {V}",
                "{S} now [lives|live] in {V} and not in {O} any more",
            ),
            deny=("{S} [does|do] not live in {O} any more", "{P} home is not in {O} any more"),
            ask=("where [does|do] {S} live", "in which town is {P} home", "what is the town where {S} [lives|live]"),
        ),
        "job": Attribute(
            value="job",
            state=("{S} [works|work] as a {V}", "{P} job is {V}", "{S} [earns|earn] money as a {V}"),
            change=(
                "{S} now [works|work] as a {V}",
                "{P} job has changed and is now {V}",
                "{P} job is now {V} and not {O} any more",
            ),
            deny=("{S} [does|do] not work as a {O} any more", "{P} job is not {O} any more"),
            ask=("what is {P} job", "what [does|do] {S} work as", "how [does|do] {S} earn money"),
        ),
        "employer": Attribute(
            value="firm",
            state=("{P} employer is {V}", "{S} [is|am] employed by {V}", "the company that pays {S_object} is {V}"),
            change=(
                "{P} employer is now {V}",
                "{S} [is|am] now employed by {V}",
                "{P} employer is now {V} and not {O} any more",
            ),
            deny=("{P} employer is not {O} any more", "{S} [is|am] not employed by {O} any more"),
            ask=("who is {P} employer", "which company [is|am] {S} employed by", "which company pays {S_object}"),
        ),
        "dog": Attribute(
            value="pet",
            state=("{P} dog is called {V}", "{S} [has|have] a dog called {V}", "the name of {P} dog is {V}"),
            change=(
                "{P} dog is now called {V}",
                "{S} now [has|have] a dog called {V}",
                "the name of {P} dog is now {V} and not {O} any more",
            ),
            deny=("{S} [does|do] not have the dog {O} any more", "{P} dog is not called {O} any more"),
            ask=("what is {P} dog called", "what is the name of {P} dog", "how is {P} dog called"),
        ),
        "birthday": Attribute(
            value="day",
            state=("{P} birthday is on {V}", "{S} [was|was] born on {V}", "{S} [celebrates|celebrate] birthday on {V}"),
            change=(
                "{P} birthday is now known as {V}",
                "{S} now [celebrates|celebrate] birthday on {V}",
                "{P} birthday is now on {V} and not on {O} any more",
            ),
            deny=("{P} birthday is not on {O} any more", "{S} [does|do] not celebrate birthday on {O} any more"),
            ask=("when is {P} birthday", "when [was|was] {S} born", "when [does|do] {S} celebrate birthday"),
        ),
        "dish": Attribute(
            value="dish",
            state=(
                "{P} favourite dish is {V}",
                "{S} [likes|like] {V} best",
                "the dish that {S} [likes|like] best is {V}",
            ),
            change=(
                "{P} favourite dish is now {V}",
                "{S} now [likes|like] {V} best",
                "{P} favourite dish is now {V} and not {O} any more",
            ),
            deny=("{P} favourite dish is not {O} any more", "{S} [does|do] not like {O} best any more"),
            ask=("what is {P} favourite dish", "which dish [does|do] {S} like best", "what [does|do] {S} like best"),
        ),
        "code": Attribute(
            value="code",
            state=("{P} door code is {V}", "the code of {P} door is {V}", "{S} [opens|open] the door with {V}"),
            change=(
                "{P} door code is now {V}",
                "the code of {P} door is now {V}",
                "{P} door code is now {V} and not {O} any more",
            ),
            deny=("{P} door code is not {O} any more", "{S} [does|do] not open the door with {O} any more"),
            ask=("what is {P} door code", "what is the code of {P} door", "which code opens {P} door"),
        ),
        "doctor": Attribute(
            value="person",
            state=("{P} doctor is {V}", "the doctor of {S_object} is {V}", "{S} [goes|go] to doctor {V}"),
            change=(
                "{P} doctor is now {V}",
                "{S} now [goes|go] to doctor {V}",
                "{P} doctor is now {V} and not {O} any more",
            ),
            deny=("{P} doctor is not {O} any more", "{S} [does|do] not go to doctor {O} any more"),
            ask=("who is {P} doctor", "which doctor [does|do] {S} go to", "what is the name of {P} doctor"),
        ),
    },
    telling=(
        "{core}.",
        "Please remember that {core}.",
        "By the way, {core}.",
        "{core}, just so you know.",
        "I wanted to tell you that {core}.",
        "For your notes: {core}.",
        "You should know that {core}.",
        "One more thing: {core}.",
    ),
    asking=(
        "{core}?",
        "Tell me: {core}?",
        "Quick question: {core}?",
        "I forgot: {core}?",
        "Do you remember, {core}?",
        "Sorry to ask, but {core}?",
    ),
    small_talk=(
        "The weather is nice today.",
        "I slept well last night.",
        "It has been raining since this morning.",
        "I met {N} in the park yesterday.",
        "{N} sends you greetings.",
        "I am a little tired after lunch.",
        "The train was late again.",
        "I talked with {N} about the weekend.",
        "{N} laughed about an old joke.",
        "Today I walked along the river.",
        "I listened to music with {N}.",
        "The coffee is getting cold.",
        "I am looking forward to the holidays.",
        "{N} and I watched a film.",
    ),
    noted="Noted.",
    chatted="I see.",
    unknown="I don't know.",
    oneself=("I", "my"),
    owner="{}'s",
)
