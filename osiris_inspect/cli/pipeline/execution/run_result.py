"""Output of ``run`` after the run: its directory and failure, its findings, and the viewer."""

import os
import shlex
from typing import TYPE_CHECKING, Final

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND, INTERRUPTED, USAGE, WrongUse
from osiris_inspect.model.errors import OsirisError

if TYPE_CHECKING:
    from osiris_inspect.model.finding import Finding
    from osiris_inspect.runtime.proxy.proxy import RunResult

_MAX_WARNINGS: Final = 5
_MAX_TEXT: Final = 400
ON_FAILURE_TIMEOUT_S: Final = 60.0
"""Seconds that the command of ``--on-failure`` may take."""
_MAX_OUTPUT_BYTES: Final = 10_000
"""Bytes of its output that are printed: the last ones."""
_CODES: Final = {"success": 0, "failed": FOUND, "interrupted": INTERRUPTED}


def print_result(outcome: "RunResult") -> int:
    """Print the run directory and a failure, if stdout and stderr can be written; return the exit code of the run."""
    code = _CODES[outcome.status]
    refused = None
    try:
        streams.write_stdout(f"{outcome.path}\n")
    except (streams.ReaderGone, WrongUse) as error:
        refused = error if isinstance(error, WrongUse) else None
    if code == FOUND:
        streams.write_message(f"{outcome.reason}; osiris-inspect {shlex.quote(str(outcome.path))} shows why")
    if refused is not None:
        streams.write_message(f"{refused}; the run is {outcome.path}")
    return code or (USAGE if refused is not None else code)


def open_viewer(outcome: "RunResult") -> int:
    """Open the run in the viewer; return 0, or the exit code of a viewer that a signal ended.

    Without a terminal, and after an interrupt, only its command is printed.
    """
    from osiris_inspect.cli.inspect.open import can_show_viewer

    command = f"osiris-inspect {shlex.quote(str(outcome.path))}"
    if outcome.status == "interrupted":
        streams.write_message(f"the run was interrupted and is not opened; {command} opens it")
        return 0
    if not can_show_viewer():
        streams.write_message(f"--open needs a terminal; {command} opens the run in one")
        return 0
    from osiris_inspect.cli.inspect.launch_tui import run_tui

    return run_tui(str(outcome.path))


def print_findings(outcome: "RunResult") -> None:
    """Print the root cause of a failed run, how one was interrupted, or the warnings about one that succeeded."""
    from osiris_inspect.cli.support.project_reports import iter_reports

    try:
        report = next(iter_reports([outcome.path]))
    except (
        OsirisError
    ) as error:  # the run has ended as it has, whatever is wrong with the settings of this folder
        streams.write_message(f"the run was not checked: {error}")
        return
    if outcome.status == "failed":
        if report.root_cause is not None:
            _print_finding("cause", report.root_cause)
        return
    if outcome.status == "interrupted":
        for finding in report.findings:
            if finding.rule == "run-interrupted":
                _print_finding("!", finding)
        return
    for finding in report.warnings[:_MAX_WARNINGS]:
        _print_finding("!", finding)
    if len(report.warnings) > _MAX_WARNINGS:
        streams.write_message(
            f"{len(report.warnings) - _MAX_WARNINGS} more warnings; osiris-inspect {shlex.quote(str(outcome.path))} shows them"
        )


def _print_finding(label: str, finding: "Finding") -> None:
    from osiris_inspect.inspector.run.summary import finding_scope
    from osiris_inspect.inspector.text.sanitize import one_line, truncate

    text = f"{label} {finding.rule} {finding_scope(finding)}: {finding.message}"
    streams.write_message(truncate(one_line(text), _MAX_TEXT))
    if finding.fix:
        streams.write_message(f"    fix  {truncate(one_line(finding.fix), _MAX_TEXT)}")


def run_on_failure(command: str, outcome: "RunResult") -> None:
    """Run a command of the shell with the verdict of a run that did not succeed as JSON on stdin.

    Its output is printed on stderr. A command that fails or takes too long is reported, and changes nothing else.
    """
    import signal
    import subprocess

    verdict = _verdict(outcome)
    try:
        process = subprocess.Popen(  # noqa: S602  the user's own command line
            command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        streams.write_message(f"--on-failure could not be run: {error}")
        return
    try:
        output, _ = process.communicate(verdict, ON_FAILURE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        streams.write_message(f"--on-failure took more than {ON_FAILURE_TIMEOUT_S:g} s and was ended")
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    if output:
        streams.write_stderr(output[-_MAX_OUTPUT_BYTES:].decode(errors="replace").rstrip("\n") + "\n")
    if process.returncode > 0:
        streams.write_message(
            f"--on-failure ended with exit code {process.returncode}; that of the run stays"
        )


def _verdict(outcome: "RunResult") -> bytes:
    """Return the report of a run as ``summarize --format json`` prints it, or its status if it cannot be checked."""
    import json

    from osiris_inspect.cli.support.project_reports import iter_reports
    from osiris_inspect.inspector.export.formats.json import document

    try:
        return json.dumps(document(list(iter_reports([outcome.path])))).encode()
    except OsirisError as error:
        streams.write_message(f"the run was not checked: {error}")
    run = {"path": str(outcome.path), "status": outcome.status, "reason": outcome.reason}
    return json.dumps({"runs": [run]}).encode()
