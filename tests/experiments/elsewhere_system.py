"""A system for another interpreter: nothing of the lab is there, only that interpreter's own standard library.

It has a worker of its own, and speaks OpenAI's format to the address it is given: two calls a turn.
"""

import json
import multiprocessing
import sys
import urllib.request

WORKER_BYTES = 48 * 2**20


def _work(pipe):
    held = bytearray(b"x") * WORKER_BYTES
    while True:
        text = pipe.recv()
        if text is None:
            return
        pipe.send(f"{len(text)} of {len(held)}")


class Elsewhere:
    """One turn: the worker measures the question, the model is asked what it is about, then to answer."""

    def __init__(self, settings, engine_url, data_dir):
        self._greeting, self._url, self._data = settings["greeting"], engine_url, data_dir

    def start(self):
        if "msgspec" in sys.modules or "systems" in sys.modules:
            raise RuntimeError("the lab's own packages are in this interpreter")
        self._pipe, far = multiprocessing.Pipe()
        # Forked here, for a test's sake: a thread of the worker's own may not be there to be copied.
        self._worker = multiprocessing.get_context("fork").Process(target=_work, args=(far,), daemon=True)
        self._worker.start()
        print("This is printed, and must not disturb the protocol.")

    def answer(self, request, on_token):
        self._pipe.send(request["text"])
        measured = self._pipe.recv()
        topic, _ = self._ask(f"What is this about? {request['text']}", request["max_tokens"])
        text, usage = self._ask(f"{self._greeting} {measured} {topic}\n{request['text']}", request["max_tokens"])
        on_token(text)
        return {
            "text": text,
            "prompt_tokens": usage["prompt_tokens"],
            "generated_tokens": usage["completion_tokens"],
        }

    def close(self):
        self._pipe.send(None)
        self._worker.join()

    def _ask(self, content, tokens):
        body = {"model": "default", "messages": [{"role": "user", "content": content}], "max_tokens": tokens}
        request = urllib.request.Request(
            f"{self._url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            said = json.load(response)
        return said["choices"][0]["message"]["content"], said["usage"]
