"""A server that answers one word with one word: ``small_server.py ADDRESS NAME``. It holds 48 MiB."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

address, name = sys.argv[1:]
pids = Path(os.environ["PIDS"])
with pids.open("a") as file:
    file.write(f"{os.getpid()}\n")
if name == "silent":
    print("still reading its files", flush=True)
    time.sleep(600)
if name == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with pids.open("a") as file:
        file.write(f"{child.pid}\n")
held = [b"x" * (48 * 2**20)]
if name == "hungry":
    held += [bytes([number]) * 2**27 for number in range(1, 17)]
if address.startswith("/"):
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
else:
    server = socket.socket()
    server.bind(("127.0.0.1", int(address.partition(":")[2])))
server.listen()
while True:
    connection, _ = server.accept()
    with connection:
        match connection.recv(100).decode():
            case "ping":
                connection.sendall(b"pong")
            case "pid":
                connection.sendall(str(os.getpid()).encode())
            case "cpus":
                connection.sendall(str(len(os.sched_getaffinity(0))).encode())
            case "wait":
                time.sleep(600)
            case "die slowly":
                connection.close()
                time.sleep(0.2)
                sys.exit("no more room in here")
            case "die":
                sys.exit("no more room in here")
