"""What a run says went wrong, text by text, with the place that says it. Rules look for their signature here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Evidence, Stage

MAX_TEXT = 65536
"""Characters of an error that are searched; a longer text is not searched further, so no pattern can run away."""

_LACKS_INPUT = re.compile(
    r"\"?input_df\"? of type \"?NoneType"
    r"|requires (?:inputs? with (?:a )?DataFrame|'\w+' (?:in inputs?|input)|(?:a )?DataFrame input)"
    r"|Table with name \"?(?:input_df|df|df_\w+)\"? does not exist"
    r"|[Ii]nput '?\w*'? ?(?:was )?not found"
    r"|is in neither memory nor spill"
    r"|Missing input|No input (?:DataFrame|frame)",
)


@dataclass(frozen=True, slots=True)
class Told:
    """One text that says what went wrong, where it belongs and where it stands."""

    text: str
    file: str
    line: int
    step: str | None
    stage: Stage = "step"

    def cite(self, part: str) -> Evidence:
        """The evidence for a part of this text."""
        return Evidence(self.file, self.line, part)


def failures(run: Run) -> Iterator[Told]:
    """The failure of each failed step, then that of the run itself."""
    for step in run.steps:
        if step.failure is not None:
            text = step.failure.message[:MAX_TEXT]
            yield Told(text, step.failure.file, step.failure.line, step.id)
    if run.failure is not None:
        running = next((step.id for step in run.steps if step.status == "running"), None)
        stage: Stage = run.failed_stage or ("step" if running else "finish")
        yield Told(run.failure.message[:MAX_TEXT], run.failure.file, run.failure.line, running, stage)


def matching(run: Run, pattern: Pattern | re.Pattern[str]) -> Iterator[tuple[Told, re.Match[str]]]:
    """The failures whose text has the pattern, with what matched."""
    for told in failures(run):
        match = pattern.search(told.text)
        if match:
            yield told, match


def complaints(run: Run, pattern: Pattern | re.Pattern[str]) -> Iterator[tuple[Told, re.Match[str]]]:
    """The lines of text logs that have the pattern, with what matched."""
    for line in run.log_lines:
        match = pattern.search(line.text)
        if match:
            yield Told(line.text, line.file, line.line, line.step), match


def lacks_input(message: str) -> bool:
    """Whether a step's error is that it was given no frame."""
    return _LACKS_INPUT.search(message[:MAX_TEXT]) is not None
