"""Programs for an analysis, a function each; the standard library alone, as an analysis in a process has it."""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time


def counts(articles):
    return {"count": len(articles)}


def characters(articles):
    return {"count": sum(len(each["text"]) for each in articles)}


def answers_unheard(articles):
    return {"count": 1}


def raises(articles):
    return {"count": len(articles) // 0}


def raises_without_words(articles):
    raise ValueError


def exits(articles):
    sys.exit(3)


def says_why_it_exits(articles):
    print("no stop words", file=sys.stderr)
    os._exit(4)


def faults(articles):
    os.kill(os.getpid(), signal.SIGSEGV)


def ends_without_a_word(articles):
    os._exit(0)


def hangs(articles):
    threading.Event().wait()


def hangs_in_c(articles):
    # PyDLL holds the interpreter's lock for as long as the call lasts.
    ctypes.PyDLL(None).sleep(1000)


def leaves_a_thread(articles):
    threading.Thread(target=threading.Event().wait).start()
    return counts(articles)


def prints(articles):
    print('{"report": {"count": 7}}', flush=True)
    os.write(1, b"\xff\x00noise\n")
    return counts(articles)


def prints_without_end(articles):
    while True:
        os.write(1, b"x" * 65536)


def reports_too_much(articles):
    return {"count": 1, "keywords": [["x" * 1000, each] for each in range(20_000)]}


def reports_no_json(articles):
    return {"count": {1, 2}}


def reports_no_number(articles):
    return {"count": 1, "relevance": float("nan")}


def reports_something_else(articles):
    return {"count": "many"}


def eats(articles):
    return {"count": len([b"x" * (1 << 20) for _ in range(4096)])}


def eats_at_once(articles):
    return {"count": len(b"x" * (1 << 34))}


def secrets(articles):
    return {"count": sum("SECRET" in name for name in os.environ)}


def _sleeper(articles, **options):
    # The name of the test's folder is in its arguments, by which it is found.
    where = str(articles[0]["source"])
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)", where], **options)


def leaves_grandchild(articles):
    _sleeper(articles)
    return counts(articles)


def leaves_daemon(articles):
    nothing = subprocess.DEVNULL
    _sleeper(articles, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, env={})
    return counts(articles)


def leaves_forks(articles):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
    return counts(articles)


def hangs_with_grandchild(articles):
    _sleeper(articles)
    threading.Event().wait()


def hangs_with_daemon(articles):
    _sleeper(articles, start_new_session=True)
    threading.Event().wait()


def kills_its_parents(articles):
    """End whoever oversees it, as far as it can see one, and hang."""
    for pid in {os.getppid(), *_parents()}:
        if pid > 1:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
    threading.Event().wait()


def _parents():
    """The processes above this one up to the overseer, which leads the session that they began in."""
    pid = os.getppid()
    while pid > 1:
        if b"child.py" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        yield pid
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
