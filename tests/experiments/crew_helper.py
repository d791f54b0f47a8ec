"""What the helpers of the test systems do: hold memory, allocate at every turn, and burn processor time at first."""

HELD = 32 * 2**20
"""Bytes a helper allocates when it starts."""

GROWS = 2**20
"""Bytes it allocates at every turn."""

BURNS_S = 0.05
"""Processor seconds it uses at every turn, of the first `BURNING`."""

BURNING = 10
"""More than any trial has in which processor time is looked at: a long conversation is there for its memory."""

HELPER = f"""
import os, time

def help_(asked, answer):
    held = [os.urandom(2**20) for _ in range({HELD // 2**20})]
    os.write(answer, b"ready")
    while os.read(asked, 1):
        held.append(os.urandom({GROWS}))
        until = time.process_time() + ({BURNS_S} if len(held) <= {HELD // 2**20 + BURNING} else 0)
        while time.process_time() < until:
            pass
        os.write(answer, b"done.")
"""
