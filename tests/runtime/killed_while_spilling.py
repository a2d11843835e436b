"""Forks spillers and kills each at a random moment: ``python -m tests.runtime.killed_while_spilling FOLDER TIMES``.

Each child has a run directory of its own and spills one step after the other; through a pipe it tells when it begins and
after each spill. It is killed somewhere in its first spill, or in its second or third, so that a machine that is busy with
something else makes no difference. Prints one line a child: its folder. Imports are paid once, before the first fork.
"""

import os
import random
import select
import signal
import sys
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

import pyarrow as pa

from osiris_inspect.runtime.files.hashed_file import Filesystem
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.spill import spill_file as spill
from tests.runtime.frames_of_every_kind import FRAMES

STEPS = 3


def spill_for_ever(root: Path, ready: int) -> None:
    form = frames.plan_pandas(FRAMES["an index of text"]())
    os.write(ready, b".")
    for turn in count():
        spill.write_spill(root, f"step-{turn % STEPS}", form, 0, Filesystem())
        os.write(ready, b".")


def seconds_of_a_spill(root: Path) -> float:
    """How long a spill takes on this machine, with what else runs on it now."""
    form, took = frames.plan_pandas(FRAMES["an index of text"]()), []
    for turn in range(9):
        start = perf_counter()
        spill.write_spill(root, f"step-{turn}", form, 0, Filesystem())
        took.append(perf_counter() - start)
    return median(took)


def kill_one(root: Path, spills: int, after: float) -> None:
    """Kills a child ``after`` seconds in the spill that follows so many."""
    pipe, ready = os.pipe()
    child = os.fork()
    if child == 0:
        spill_for_ever(root, ready)
    os.close(ready)
    for _ in range(1 + spills):
        os.read(pipe, 1)
    select.select([], [], [], after)  # the moment is the point: anywhere in the work of the child
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(pipe)
    if os.WTERMSIG(status) != signal.SIGKILL:
        raise SystemExit(f"a child ended by itself: {status}")


if __name__ == "__main__":
    folder, times = Path(sys.argv[1]), int(sys.argv[2])
    pa.set_cpu_count(1)
    longest = 1.2 * seconds_of_a_spill(folder / "timed")
    for number in range(times):
        kill_one(folder / str(number), number % STEPS, random.Random(number).uniform(0, longest))
        print(folder / str(number), flush=True)
