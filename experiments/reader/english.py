"""What the reader learns to read in English beside the sentences of the workload.

Cores and frames are as in `experiments.workloads.remembering.words`. The person always stands before the value: what is
said of a value is known from the name before it.
"""

from __future__ import annotations

import msgspec

from experiments.workloads.remembering.english import ENGLISH
from experiments.workloads.remembering.words import Attribute

_NOW = ("now {}", "these days {}", "nowadays {}", "at the moment {}", "{} now", "{} these days")


def _now(*clauses: str) -> tuple[str, ...]:
    """Return every clause with all that says that it holds now."""
    return tuple(marker.replace("{}", clause) for clause in clauses for marker in _NOW)


WIDER_ENGLISH = msgspec.structs.replace(
    ENGLISH,
    attributes={
        "home": Attribute(
            value="town",
            state=("{S} [is|am] living in {V}", "{P} home town is {V}", "{S} [lives|live] over in {V}"),
            change=(
                *_now("{S} [lives|live] in {V}", "{P} home is in {V}"),
                "{S} [has|have] moved to {V}",
                "{S} [has|have] just moved to {V}",
                "{S} moved from {O} to {V}",
                "{P} new home is in {V}",
                "{S} used to live in {O} but now [lives|live] in {V}",
            ),
            deny=(
                "{S} no longer [lives|live] in {O}",
                "{S} [doesn't|don't] live in {O} any longer",
                "{S} [doesn't|don't] live in {O} anymore",
                "{S} [has|have] left {O}",
                "{S} [has|have] moved away from {O}",
                "{P} home is no longer in {O}",
            ),
            ask=(
                "where [is|am] {S} living",
                "where [does|do] {S} live now",
                "which town [does|do] {S} live in",
                "where is {P} home",
            ),
        ),
        "job": Attribute(
            value="job",
            state=("{S} [is|am] working as a {V}", "{S} [is|am] a {V}", "{P} work is that of a {V}"),
            change=(
                *_now("{S} [works|work] as a {V}", "{P} job is {V}"),
                "{S} [has|have] become a {V}",
                "{P} new job is {V}",
                "{S} [has|have] just started to work as a {V}",
                "{P} job has changed from {O} to {V}",
                "{S} used to work as a {O} but now [works|work] as a {V}",
            ),
            deny=(
                "{S} no longer [works|work] as a {O}",
                "{S} [doesn't|don't] work as a {O} any longer",
                "{S} [isn't|am not] a {O} anymore",
                "{S} [has|have] stopped working as a {O}",
                "{P} job is no longer {O}",
            ),
            ask=("what [does|do] {S} do for a living", "what is {P} job now", "what's {P} job"),
        ),
        "employer": Attribute(
            value="firm",
            state=("{S} [works|work] for {V}", "{S} [has|have] a job at {V}", "{P} company is {V}"),
            change=(
                *_now("{S} [works|work] for {V}", "{P} employer is {V}"),
                "{S} [has|have] started to work for {V}",
                "{P} new employer is {V}",
                "{P} employer has changed from {O} to {V}",
                "{S} used to work for {O} but now [works|work] for {V}",
            ),
            deny=(
                "{S} no longer [works|work] for {O}",
                "{S} [doesn't|don't] work for {O} any longer",
                "{S} [has|have] left the company {O}",
                "{S} [has|have] stopped working for {O}",
                "{P} employer is no longer {O}",
            ),
            ask=("who [does|do] {S} work for", "who is {P} employer now", "which company [does|do] {S} work for"),
        ),
        "dog": Attribute(
            value="pet",
            state=("{P} dog is named {V}", "{P} dog's name is {V}", "{S} [has|have] a dog named {V}"),
            change=(
                *_now("{P} dog is called {V}", "{P} dog's name is {V}"),
                "{P} new dog is called {V}",
                "{S} [has|have] got a new dog called {V}",
                "the name of {P} dog has changed to {V}",
                "{P} dog used to have the name {O} but is now called {V}",
            ),
            deny=(
                "{P} dog is no longer called {O}",
                "{S} no longer [has|have] the dog {O}",
                "{P} dog isn't called {O} any longer",
                "{S} [doesn't|don't] have the dog {O} anymore",
                "{S} [has|have] given away the dog {O}",
            ),
            ask=("what's {P} dog called", "what is {P} dog's name", "what is {P} dog called now"),
        ),
        "birthday": Attribute(
            value="day",
            state=("{P} birthday is {V}", "{S} [has|have] birthday on {V}", "the day of {P} birthday is {V}"),
            change=(
                *_now("{P} birthday is on {V}", "{S} [celebrates|celebrate] birthday on {V}"),
                "{P} birthday has moved to {V}",
                "{P} birthday has changed from {O} to {V}",
                "{P} new birthday is {V}",
            ),
            deny=(
                "{P} birthday is no longer on {O}",
                "{S} no longer [celebrates|celebrate] birthday on {O}",
                "{P} birthday isn't on {O} any longer",
                "{S} [has|have] stopped celebrating birthday on {O}",
            ),
            ask=("when's {P} birthday", "what day is {P} birthday", "when is {P} birthday now"),
        ),
        "dish": Attribute(
            value="dish",
            state=("{P} favourite food is {V}", "{S} [loves|love] {V}", "{S} [likes|like] to eat {V}"),
            change=(
                *_now("{P} favourite dish is {V}", "{S} [likes|like] {V} best"),
                "{P} new favourite dish is {V}",
                "{P} favourite dish has changed from {O} to {V}",
                "{S} used to like {O} best but now [likes|like] {V} best",
            ),
            deny=(
                "{P} favourite dish is no longer {O}",
                "{S} no longer [likes|like] {O} best",
                "{S} [doesn't|don't] like {O} any longer",
                "{S} [has|have] stopped eating {O}",
                "{P} favourite dish isn't {O} anymore",
            ),
            ask=("what's {P} favourite food", "what [does|do] {S} like to eat", "what is {P} favourite dish now"),
        ),
        "code": Attribute(
            value="code",
            state=("{P} door opens with {V}", "{P} code for the door is {V}", "the number of {P} door is {V}"),
            change=(
                *_now("{P} door code is {V}", "{S} [opens|open] the door with {V}"),
                "{P} new door code is {V}",
                "{P} door code has changed to {V}",
                "{P} door code has changed from {O} to {V}",
            ),
            deny=(
                "{P} door code is no longer {O}",
                "{S} no longer [opens|open] the door with {O}",
                "{P} door code isn't {O} any longer",
                "{P} door doesn't open with {O} anymore",
            ),
            ask=("what's {P} door code", "how [does|do] {S} open the door", "what is {P} door code now"),
        ),
        "doctor": Attribute(
            value="person",
            state=("{P} doctor is called {V}", "{S} [sees|see] doctor {V}", "{P} doctor's name is {V}"),
            change=(
                *_now("{P} doctor is {V}", "{S} [goes|go] to doctor {V}"),
                "{P} new doctor is {V}",
                "{S} [has|have] changed to doctor {V}",
                "{P} doctor has changed from {O} to {V}",
                "{S} used to go to doctor {O} but now [goes|go] to doctor {V}",
            ),
            deny=(
                "{P} doctor is no longer {O}",
                "{S} no longer [goes|go] to doctor {O}",
                "{S} [doesn't|don't] go to doctor {O} any longer",
                "{S} [has|have] stopped going to doctor {O}",
                "{P} doctor isn't {O} anymore",
            ),
            ask=("who's {P} doctor", "who is {P} doctor now", "what is {P} doctor called"),
        ),
    },
    telling=(
        *ENGLISH.telling,
        "{core}",
        "{core}!",
        "Oh, and {core}.",
        "Hi, {core}.",
        "Good news: {core}.",
        "Guess what, {core}.",
    ),
    asking=(*ENGLISH.asking, "{core}", "So {core}?", "Hi, {core}?", "And {core}?", "Remind me, {core}?"),
    small_talk=(
        *ENGLISH.small_talk,
        "Hello!",
        "Hi there.",
        "Good morning.",
        "Good evening!",
        "Thanks!",
        "Thank you very much.",
        "That is nice to hear.",
        "See you later.",
        "I am going to bed now.",
        "{N} called me this morning.",
        "I have been busy these days.",
        "My umbrella no longer opens.",
    ),
)
