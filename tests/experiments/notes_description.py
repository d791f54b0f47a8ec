"""What the agent Notes says of itself. CONTRIBUTING.md prints it."""

from notes_system import NotesSettings

from systems.description import Description

DESCRIPTION = Description(
    name="notes",
    summary="Sends the newest exchanges with each question, and keeps all of them in a file.",
    implementation="notes_system:Notes",
    settings=NotesSettings,
    blocks=False,
    mechanisms=("history",),  # settings that can be off
    variants={"history": {"unpruned": {"exchanges": 1_000}}},
)
