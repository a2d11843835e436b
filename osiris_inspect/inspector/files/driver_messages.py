"""Messages of drivers in the text logs, by step."""

from typing import NamedTuple

from osiris_inspect.inspector.run.run import LogLine, Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.inspector.text.zero_counts import without_zero_counts
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence

MAX_TEXT = 600
MAX_HEAD = 400
_RECORD = LazyRegex(r"\d{4}-\d\d-\d\d[T ][\d:.,]{5,20} - ")
_OWN_DRIVERS = ("filesystem.", "duckdb.", "mysql.", "postgres.", "sqlite.", "supabase.")


class DriverMessage(NamedTuple):
    """One message of a driver.

    Attributes:
        text: without the time, the logger, the step and the level before it.
    """

    text: str
    line: LogLine

    @property
    def claims(self) -> str:
        """The text without counts of 0, which report that nothing went wrong."""
        return without_zero_counts(self.text)

    @property
    def is_printed(self) -> bool:
        """True if the driver printed the message, so that it has no level."""
        return not self.line.level and _RECORD.match(self.line.text) is None

    @property
    def evidence(self) -> Evidence:
        """The line of the log."""
        return Evidence(self.line.file, self.line.line, excerpt(self.text, 120))

    @property
    def quote(self) -> str:
        """The message, quoted and shortened."""
        return repr(excerpt(self.text, 120))


def message_text(line: LogLine) -> str:
    """Return a line without the time, the logger and the level before its message."""
    for level in (line.level, "INFO", "DEBUG"):
        before, mark, after = line.text.partition(f" - {level} - ") if level else ("", "", "")
        if mark and len(before) < MAX_HEAD:
            return after.strip()
    return line.text.strip()


def is_of_third_party(step: StepState) -> bool:
    """Return True if the driver of a step is from another package."""
    return bool(step.driver) and not str(step.driver).startswith(_OWN_DRIVERS)


def messages_of_successful_steps(run: Run) -> dict[str, tuple[StepState, list[DriverMessage]]]:
    """Return the messages of each successful step.

    What a driver prints without a step belongs to the only step whose driver is from another package.
    """
    steps = {step.id: step for step in run.steps if step.status == "succeeded"}
    foreign = [step.id for step in run.steps if is_of_third_party(step)]
    messages: dict[str, tuple[StepState, list[DriverMessage]]] = {}
    for line in run.log_lines:
        step = line.step
        if step is None and line.file == layout.WORKER_LOG and len(foreign) == 1:
            step = foreign[0]
        if step in steps:
            messages.setdefault(step, (steps[step], []))[1].append(
                DriverMessage(message_text(line)[:MAX_TEXT].strip(), line)
            )
    return messages


def messages_without_step(run: Run) -> list[DriverMessage]:
    """Return what drivers printed if several steps may have printed it and all of those succeeded."""
    foreign = [step for step in run.steps if is_of_third_party(step)]
    if len(foreign) < 2 or any(step.status != "succeeded" for step in foreign):
        return []
    lines = [line for line in run.log_lines if line.step is None and line.file == layout.WORKER_LOG]
    return [DriverMessage(message_text(line)[:MAX_TEXT].strip(), line) for line in lines]
