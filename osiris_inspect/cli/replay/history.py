"""``osiris-inspect history``: the runs in which a step's output or failure changed."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.inspect.why import terminal_width
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.option_table import RUN, CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.history import StepChange
    from osiris_inspect.inspector.run.run import Run

DEFAULT_RUNS: Final = 100
_SIGNS: Final = {"succeeded": "✓", "reused": "✓", "failed": "✗", "interrupted": "!"}
_HELP: Final = """List the runs in which a step's output or failure changed, oldest first.

Reads the runs beside RUN that are of its pipeline. A run with the same outcome as the one before it is only counted;
replays of a step are left out.
"""
_OPTIONS: Final = (
    RUN,
    OptionSpec("step", "A step of the run.", metavar="STEP", required=True),
    OptionSpec(
        "limit",
        "Read at most N runs, the newest.",
        ("--limit", "-n"),
        "number",
        default=DEFAULT_RUNS,
        metavar="N",
    ),
    OptionSpec(
        "format",
        "Choose the output format.",
        ("--format", "-f"),
        "choice",
        default="text",
        choices=("text", "json"),
    ),
)


def command() -> CommandSpec:
    """Return the command."""
    return places.with_remote_options(CommandSpec("history", _HELP, _OPTIONS, history))


def history(options: Mapping[str, Any]) -> int:
    """Print the changes of a step and return the exit code.

    Raises:
        WrongUse: no such step.
        RunNotReadable: there is no run.
    """
    from osiris_inspect.cli.replay.diff import load_run
    from osiris_inspect.inspector.analysis.history import step_history

    run, step = load_run(options["run"]), options["step"]
    if run.step(step) is None:
        steps = ", ".join(state.id for state in run.steps)
        raise WrongUse(f"STEP: no step {step!r}; the run has {steps or 'no steps'}")
    changes = list(step_history(_runs_of_pipeline(run, options["limit"]), step))
    if options["format"] == "json":
        streams.write_json("".join(map(_json, changes)))
    else:
        streams.write_stdout("".join(f"{line}\n" for line in _lines(changes, step, terminal_width())))
    return 0


def _runs_of_pipeline(run: "Run", limit: int) -> "Iterator[Run]":
    """Yield the runs of a pipeline beside one of its runs, oldest first, without replays of a step."""
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.inspector.files.run_files import RunFiles
    from osiris_inspect.inspector.reader.counts.earlier_runs import is_replay
    from osiris_inspect.inspector.reader.loader import load

    for path in reversed(find_runs(run.path.parent)[: max(1, limit)]):
        try:
            other = load(path, now=time.time(), cache=places.cache_dir())
        except RunNotReadable as error:
            streams.write_message(str(error))
            continue
        if other.pipeline == run.pipeline and not is_replay(RunFiles(path)):
            yield other


def _lines(changes: "list[StepChange]", step: str, width: int) -> Iterator[str]:
    from osiris_inspect.inspector.text.sanitize import one_line, truncate
    from osiris_inspect.inspector.text.units import day_and_time, format_rows, pluralize

    yield f"{one_line(step)}: {pluralize(len(changes) - 1, 'change')} in {sum(1 + each.same_runs for each in changes)} runs"
    for change in changes:
        sign = _SIGNS.get(change.step.status, "⊘")
        what = "; ".join(map(one_line, change.changes)) or format_rows(change.step.rows_out)
        why = f"  [{', '.join(map(one_line, change.differences))}]" if change.differences else ""
        again = f"  (+{change.same_runs} the same)" if change.same_runs else ""
        name = f"{sign} {day_and_time(change.run.started)}  {one_line(change.run.id)}"
        yield truncate(f"  {name}  {what}{why}{again}", width)


def _json(change: "StepChange") -> str:
    from osiris_inspect.inspector.text import json_line
    from osiris_inspect.inspector.text.sanitize import masked_text

    entry = {
        "run": masked_text(change.run.id),
        "started": change.run.started,
        "status": change.step.status,
        "rows": change.step.rows_out,
        "changes": [masked_text(text) for text in change.changes],
        "differences": [masked_text(text) for text in change.differences],
        "same_runs": change.same_runs,
    }
    return json_line.to_json_line(entry).decode() + "\n"
