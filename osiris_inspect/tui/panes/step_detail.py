"""Details of one step as lines."""

from collections.abc import Iterable, Iterator, Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Artifact, InputState, StepCheck, StepFailure, StepState
from osiris_inspect.inspector.text.sanitize import inline_json, json_lines, multi_line, show_line
from osiris_inspect.inspector.text.units import (
    UNKNOWN,
    format_bytes,
    format_duration,
    format_rows,
    time_of_day,
)
from osiris_inspect.model.finding import Finding, Severity
from osiris_inspect.tui.drawing import symbols
from osiris_inspect.tui.drawing.symbols import MUTED, StatusSymbol

ARTIFACT = {
    "present": StatusSymbol("✓", "present", "$state-good"),
    "missing": StatusSymbol("✗", "missing", "$state-bad"),
    "not_downloaded": StatusSymbol("~", "not downloaded", MUTED),
    "lost": StatusSymbol("✗", "lost in transfer", "$state-bad"),
    "corrupt": StatusSymbol("✗", "corrupt", "$state-bad"),
}


def describe(report: Report, step: StepState) -> Sequence[Content]:
    """Return the details of a step, errors first."""
    findings = [finding for finding in report.findings if finding.step == step.id]
    inputs = [line for entry in step.inputs for line in _input(entry, step)]
    source = f"  from {show_line(step.rows_out_source, 80)}" if step.rows_out_source else ""
    output = Content.assemble(f"  {format_rows(step.rows_out)}  ", storage_label(step), (source, MUTED))
    return [
        *_head(step),
        *_failure(step),
        *section("attempts before", map(_retry_error, step.retry_errors)),
        *section("findings", map(finding_line, findings)),
        *section("inputs", inputs),
        *section("checks", map(check_line, step.checks)),
        *section("output", [output, *map(_artifact, step.artifacts)]),
        *section("configuration", map(Content, json_lines(step.config)[1:-1])),
    ]


def section(title: str | Content, lines: Iterable[Content]) -> Iterator[Content]:
    """Yield a blank line, a heading and the lines; nothing if there are no lines."""
    for number, line in enumerate(lines):
        if number == 0:
            yield Content("")
            yield title if isinstance(title, Content) else heading(title)
        yield line


def heading(text: str) -> Content:
    """Return the heading of a section."""
    return Content.styled(text, "bold $state-link")


def finding_line(finding: Finding) -> Content:
    """Return the severity and the message of a finding on one line."""
    symbol = symbols.SEVERITY[finding.severity]
    return Content.assemble((f"  {symbol.symbol} ", symbol.style), show_line(finding.message, 400))


def check_line(check: StepCheck) -> Content:
    """Return a check and its result on one line."""
    result = check.result
    failed = symbols.SEVERITY[Severity.WARNING if result.on_failure == "warn" else Severity.ERROR]
    symbol = symbols.STEP["succeeded"] if result.passed else failed
    text = format_rows(result.rows) if result.passed else result.outcome
    return Content.assemble(
        (f"  {symbol.symbol} ", symbol.style),
        f"{show_line(result.requirement, 200)}  {show_line(text, 400)}",
        (f"  events.jsonl:{check.line}", MUTED),
    )


def _head(step: StepState) -> Iterator[Content]:
    yield Content.assemble((show_line(step.id, 200), "bold"), "  ", symbols.STEP[step.status].content)
    facts = [
        show_line(step.driver or "", 120),
        f"started {time_of_day(step.started)}" if step.started is not None else "",
        f"took {format_duration(step.duration_s)}" if step.duration_s is not None else "",
        f"events.jsonl:{step.line_range[0]}-{step.line_range[1]}" if step.line_range != (0, 0) else "",
    ]
    if any(facts):
        yield Content.styled(" · ".join(filter(None, facts)), MUTED)
    if step.retries:
        yield Content(f"attempt {step.retries + 1}")
    if step.is_waiting:
        yield Content("sent to the cluster; no machine took it")
    if step.nodes:
        yield Content(f"ran on {', then on '.join(show_line(name, 120) for name in step.nodes)}")
    if step.after:
        names = ", ".join(show_line(name, 120) for name in step.after)
        yield Content(f"runs after {names}, without a frame")
    if step.skipped_because:
        yield Content(f"because of {show_line(step.skipped_because, 200)}")


def _failure(step: StepState) -> Iterator[Content]:
    failure = step.failure
    if failure is None:
        return
    line = f":{failure.line}" if failure.line else ""
    source = (f"{show_line(failure.type or '', 80)}  {show_line(failure.file, 80)}{line}".strip(), MUTED)
    message = (Content.styled(f"  {line}", "$state-bad") for line in multi_line(failure.message))
    yield from section(Content.assemble(heading("error"), "  ", source), message)
    traceback = multi_line(failure.traceback) if failure.traceback else ()
    yield from section("traceback", (Content(f"  {line}") for line in traceback))


def _retry_error(failure: StepFailure) -> Content:
    return Content.assemble(
        ("  ✗ ", "$state-bad"), show_line(failure.message, 400), (f"  events.jsonl:{failure.line}", MUTED)
    )


def _input(entry: InputState, step: StepState) -> Iterator[Content]:
    fallback = symbols.NOT_FOUND if step.status == "failed" else symbols.UNKNOWN
    style = symbols.LOCATIONS.get(entry.location, fallback)
    origin = show_line(entry.from_step, 120) if entry.from_step else "an unknown step"
    yield Content.assemble(
        (f"  {style.letter} {style.word}", style.style),
        f"  {show_line(entry.name, 80)} from {origin}  {format_rows(entry.rows)}",
        (f"  events.jsonl:{entry.line}" if entry.line else "", MUTED),
    )
    if entry.moved is not None:
        time = "" if entry.moved.seconds is None else f" in {format_duration(entry.moved.seconds)}"
        yield Content.styled(
            f"    fetched from another machine: {format_bytes(entry.moved.bytes)}{time}", MUTED
        )
    for attempt in entry.attempts:
        place, outcome, reason = (
            inline_json(attempt.get(key) or "", 200) for key in ("place", "outcome", "reason")
        )
        yield Content.assemble(("    tried ", MUTED), f"{place}: {outcome}", (f"  {reason}", MUTED))


def _artifact(artifact: Artifact) -> Content:
    symbol = ARTIFACT[artifact.state]
    details = symbol.word + (f"  {format_bytes(artifact.bytes)}" if artifact.bytes is not None else "")
    if artifact.state == "present":
        details += "  p to preview" if artifact.path.endswith(".parquet") else "  a to open"
    path = show_line(artifact.path, 300)
    return Content.assemble((f"  {symbol.symbol} ", symbol.style), path, (f"  {details}", MUTED))


def storage_label(step: StepState) -> Content:
    """Return where the frame of a step was stored."""
    has_no_frame = step.storage == "none" and (step.is_writer or step.status != "succeeded")
    styles = {**symbols.LOCATIONS, "none": symbols.NOT_FOUND}
    style = None if has_no_frame else styles.get(step.storage)
    if style is None:
        return Content.styled(UNKNOWN, MUTED)
    return Content.styled(f"{style.letter} {style.word}", style.style)
