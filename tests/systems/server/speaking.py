"""An engine that says what it is told to, in small pieces, and keeps what it was asked."""

from systems.engines.interface import Generation
from systems.engines.simulated import SimulatedEngine, SimulatedSettings


class Speaking(SimulatedEngine):
    """Says ``replies`` one after the other, each as text or as a whole `Generation`; then the last again and again."""

    samples_as_asked = True
    heeds_grammars = True

    def __init__(self, *replies, piece=3):
        super().__init__(SimulatedSettings())
        self._replies = list(replies or ["Hello."])
        self._piece = piece
        self.calls = []

    def generate(self, call):
        self.calls.append(call)
        said = self._replies[0] if len(self._replies) == 1 else self._replies.pop(0)
        if isinstance(said, str):
            said = Generation(
                text=said, prompt_tokens=7, generated_tokens=len(said.split()), first_token_s=0.0, finish_reason="stop"
            )
        if call.on_token is not None:
            for start in range(0, len(said.text), self._piece):
                call.on_token(said.text[start : start + self._piece])
        return said
