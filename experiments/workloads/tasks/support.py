"""Customer support: long complaints about orders, each with a ticket that the agent opens for it."""

from __future__ import annotations

import random

from experiments.workloads.tasks.interface import Split, TellingTurn, ToldValue
from experiments.workloads.tasks.pools import half, number, text

_PRODUCTS = (
    "dishwasher|washing machine|espresso maker|bread oven|vacuum cleaner|air purifier|rice cooker|sewing machine|"
    "lawn mower|hedge trimmer|label printer|document scanner|desk lamp|standing desk|office chair|bicycle trailer|"
    "camping stove|water filter|baby monitor|robot mop|radio alarm clock|record player|electric kettle|heat pump dryer"
).split("|")
_FAULTS = (
    "stops in the middle of the longest programme|shows the error code and then beeps without end|"
    "leaks from the seam at the back|smells of warm plastic after ten minutes|does not connect after the last update|"
    "rattles as if a screw were loose inside|switches itself off whenever the lid is closed|"
    "blows the fuse of the whole floor|takes three attempts before it starts at all|"
    "has a hinge that came bent out of the box"
).split("|")
_TOWNS = (
    "Harlow Linz Parma Odense Tampere Ghent Cork Maribor Kaunas Split Leiden Bergamo Aveiro Lund Brno Graz Trier Vigo"
).split()
_TRIES = (
    "unplugged it overnight|replaced the hose and the filter|read the manual from the first page to the last|"
    "reset it to the factory settings twice|asked my neighbour, who repairs such things for a living|"
    "moved it to another socket in another room|cleaned every part that can be taken out|"
    "watched the repair video that your site recommends"
).split("|")
_DETAILS = (
    "I bought the {product} as a present for my parents in {town}, who had waited for it since the spring.",
    "It was delivered two days late, and the driver left it in the rain although I had asked him to ring.",
    "At first everything worked, and I had already written a kind review of the {product} on your site.",
    "Since last {day} it {fault}, and it does so every time, whatever programme or setting I choose.",
    "Before I wrote to you I {tried}, which took most of an evening and changed nothing at all.",
    "Your chat told me to wait for a message from the workshop in {town}, and that message has never come.",
    "The shop in {town} says that it only sells the {product} and that repairs are none of its business.",
    "I have photographs of the damage, of the packaging and of the delivery note, and can send them at any time.",
    "We are a household of five, so being without the {product} for another month is not a small matter for us.",
    "I would rather have it repaired than replaced, because apart from this I am fond of the {product}.",
    "If it must be collected, please not on a {day}: nobody is at home before six in the evening.",
    "A friend in {town} has the same {product}, bought in the same week, and hers shows nothing of the kind.",
    "The guarantee card says two years, and hardly five months have gone by since I unpacked it.",
    "I also pay for the extended cover, and so far nobody could tell me what it covers in such a case.",
    "On the telephone I was passed on four times and then heard music until the line went dead.",
    "It would help me to know whether the spare part is in stock at all, or has to come from abroad.",
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday".split()
_OPENINGS = {
    "settling": ("Hello, this is about order {order}.", "I write because of order {order} again."),
    "reporting": ("Good morning, I need help with order {order}.", "Here is one more problem, with order {order}."),
}
_USERS = {  # what the user tells: by split, a statement and the question that asks for it
    "settling": (
        ("serial", "Order {order}: the serial number on the plate is {value}.", "Which serial number is on the plate of order {order}?"),  # noqa: E501
        ("voucher", "Order {order} was paid with the voucher {value}.", "With which voucher was order {order} paid?"),
    ),
    "reporting": (
        ("serial", "The serial number for order {order} is {value}.", "What is the serial number for order {order}?"),
        ("voucher", "The voucher code used for order {order} was {value}.", "What was the voucher code used for order {order}?"),  # noqa: E501
    ),
}  # fmt: skip
_AGENT = {
    "settling": ("I opened ticket {value} for order {order}.", "Which ticket did you open for order {order}?"),
    "reporting": ("The ticket for order {order} is {value}.", "What is the ticket for order {order}?"),
}
_GOES_ON = (
    " A colleague in the workshop reads it today, looks at your photographs, and writes to you before the end of the "
    "week; until then please leave the {product} unplugged and keep the packaging and the delivery note."
)
_LETTERS = "ABCDEFGHKLMNPQRSTUVWXZ"


def told(rng: random.Random, split: Split, place: int) -> TellingTurn:
    """Return the ``place``-th complaint; no two of a conversation are about one order."""
    # The order's last digits are the place: no two orders of a conversation are the same one.
    order = str(number(rng, split, 10, 100) * 1000 + place % 1000)
    slots = {
        "order": order,
        "product": rng.choice(half(_PRODUCTS, split)),
        "town": rng.choice(half(_TOWNS, split)),
        "fault": rng.choice(half(_FAULTS, split)),
        "tried": rng.choice(half(_TRIES, split)),
        "day": rng.choice(_DAYS),
    }
    sentences = text(rng, _DETAILS, slots, rng.randrange(6, 12))
    attribute, statement, question = rng.choice(_USERS[split])
    value = f"{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}-{number(rng, split, 1000, 10_000)}"
    ticket = f"TK-{number(rng, split, 1000, 10_000)}"
    evidence = statement.format(order=order, value=value)
    sentences.insert(rng.randrange(len(sentences)), evidence)
    opened, asks = _AGENT[split]
    reply = opened.format(order=order, value=ticket)
    fact = (
        ToldValue(attribute="ticket", question=asks.format(order=order), answer=ticket, evidence=reply, teller="agent")
        if rng.random() < 0.5
        else ToldValue(
            attribute=attribute, question=question.format(order=order), answer=value, evidence=evidence, teller="user"
        )
    )
    opening = rng.choice(_OPENINGS[split]).format(**slots)
    return TellingTurn(text=" ".join([opening, *sentences]), reply=reply + _GOES_ON.format(**slots), fact=fact)
