"""Makes ``sample_logs/`` again: ``python -m tests.make_samples [STORY...]``.

A story is one run directory and, beside it, what the inspector says of it (``expected.json``). All but one are made by
the project's own runtime; the run of the original is rebuilt from what its authors wrote down of it. Read the diff of
``expected.json`` before you commit it: it is what the product promises.
"""

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from osiris_inspect.model.event import Event
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.in_process import InProcess
from osiris_inspect.runtime.transport.stdio import Stdio
from tests import original_run
from tests.runtime.pipelines import MOVIES, STATS, TWO_BRANCHES, compiled, with_movies

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_logs"
ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "HOME": "/root", "TZ": "UTC"}

MISSING_INPUT = STATS.replace(
    "    needs: [extract-movies]\n", "    inputs: {df: {from_step: extract-movies, key: data}}\n"
)
SLOW = STATS.replace("FROM input_df", "FROM input_df, range(10000000000) AS r WHERE hash(r.range) = 7")


def good_local(folder: Path) -> Path:
    return _run(folder, STATS)


def all_spilled(folder: Path) -> Path:
    return _run(folder, STATS, on="sandbox", env={"E2B_FORCE_SPILL": "1"})


def missing_input(folder: Path) -> Path:
    return _run(folder, MISSING_INPUT, on="sandbox")


def empty_source(folder: Path) -> Path:
    return _run(folder, STATS, movies=MOVIES.splitlines()[0] + "\n")


def partly_skipped(folder: Path) -> Path:
    return _run(folder, TWO_BRANCHES, on="sandbox")


def killed_worker(folder: Path) -> Path:
    """The worker is killed by the system in the middle of its second step, as it is when memory runs out."""

    def kill(event: Event) -> None:
        if event.name == "step_start" and event.step == "compute-stats":
            (pid,) = [
                int(child) for child in _children() if "osiris_inspect.runtime.worker" in _command_of(child)
            ]
            os.kill(pid, signal.SIGKILL)

    return _run(folder, SLOW, on="sandbox", watch=kill)


def original_nonetype(folder: Path) -> Path:
    return original_run.write(folder)


STORIES: Mapping[str, Callable[[Path], Path]] = {
    story.__name__: story
    for story in (
        good_local,
        all_spilled,
        original_nonetype,
        missing_input,
        killed_worker,
        empty_source,
        partly_skipped,
    )
}


def _run(
    folder: Path,
    text: str,
    *,
    on: str = "local",
    env: Mapping[str, str] | None = None,
    movies: str = MOVIES,
    watch: Callable[[Event], None] = lambda _: None,
) -> Path:
    base = with_movies(folder / "work", movies)
    transport = InProcess(ENVIRONMENT, time.time) if on == "local" else Stdio(ENVIRONMENT)
    order = RunRequest(
        compiled(text),
        settings.read(env or {}),
        folder / "logs",
        base,
        time.time,
        tuple(ENVIRONMENT),
        on_event=watch,
    )
    return run(order, transport).path


def _children() -> list[str]:
    threads = Path(f"/proc/{os.getpid()}/task")
    return [child for thread in threads.iterdir() for child in (thread / "children").read_text().split()]


def _command_of(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def _without_this_machine(run_directory: Path, folder: Path) -> None:
    """Paths of the machine that made the sample are nobody's business."""
    places = {str(folder / "work"): "/srv/pipelines", str(folder): "/srv", str(ROOT): "/srv/osiris-inspect"}
    places |= dict.fromkeys((sys.prefix, sys.base_prefix), "/usr")
    for path in run_directory.rglob("*"):
        if path.is_file() and path.suffix != ".parquet":
            text = path.read_text()
            for place, neutral in sorted(places.items(), key=lambda item: -len(item[0])):
                text = text.replace(place, neutral)
            text = re.sub(r"/tmp/osiris-worker-\w+", "/run/osiris-worker", text)
            text = re.sub(r'"os":"[^"]*"', '"os":"Linux-6.1.0-x86_64-with-glibc2.36"', text)
            path.write_text(text)


def make(story: str) -> Path:
    """Make one story; gives its run directory."""
    target = SAMPLES / story
    with tempfile.TemporaryDirectory() as name:
        made = STORIES[story](Path(name))
        _without_this_machine(made, Path(name))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target / made.name)
    return target / made.name


def expected_of(run_directory: Path) -> bytes:
    """What the inspector says of a run, as JSON."""
    from tests.samples import said_of

    return orjson.dumps(said_of(run_directory), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    """Make the stories named, all of them if none is."""
    for story in sys.argv[1:] or STORIES:
        made = make(story)
        (made.parent / "expected.json").write_bytes(expected_of(made))
        print(made.relative_to(ROOT))


if __name__ == "__main__":
    main()
