"""All that is known of one step, as lines."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Artifact, InputState, StepState
from osiris_inspect.inspector.text import units as figures
from osiris_inspect.inspector.text.sanitize import inline_json, json_lines, multi_line, show_line
from osiris_inspect.tui.drawing import symbols as marks
from osiris_inspect.tui.drawing.symbols import MUTED, StatusSymbol

ARTIFACT = {
    "present": StatusSymbol("✓", "present", "$state-good"),
    "missing": StatusSymbol("✗", "missing", "$state-bad"),
    "not_downloaded": StatusSymbol("~", "not downloaded", MUTED),
    "lost": StatusSymbol("✗", "lost on its way", "$state-bad"),
    "corrupt": StatusSymbol("✗", "corrupt", "$state-bad"),
}


def describe(report: Report, step: StepState) -> Sequence[Content]:
    """The details of a step, what went wrong first."""
    return [
        *_head(step),
        *_failure(step),
        *_findings(report, step),
        *_inputs(step),
        *_output(step),
        *_rest(step),
    ]


def title(text: str) -> Content:
    """The heading of a part."""
    return Content.styled(text, "bold $state-link")


def _head(step: StepState) -> Iterator[Content]:
    mark = marks.STEP[step.status]
    yield Content.assemble((show_line(step.id, 200), "bold"), "  ", mark.content)
    facts = [show_line(step.driver, 120)] if step.driver else []
    if step.started is not None:
        facts.append(f"from {figures.time_of_day(step.started)}")
    if step.duration_s is not None:
        facts.append(f"for {figures.format_duration(step.duration_s)}")
    if step.line_range != (0, 0):
        facts.append(f"events.jsonl:{step.line_range[0]}-{step.line_range[1]}")
    if facts:
        yield Content.styled(" · ".join(facts), MUTED)
    if step.skipped_because:
        yield Content(f"because of {show_line(step.skipped_because, 200)}")


def _failure(step: StepState) -> Iterator[Content]:
    if step.failure is None:
        return
    yield Content("")
    kind = f"{show_line(step.failure.type, 80)}  " if step.failure.type else ""
    yield Content.assemble(title("error"), "  ", (kind + _place(step.failure.file, step.failure.line), MUTED))
    yield from (Content.styled(f"  {line}", "$state-bad") for line in multi_line(step.failure.message))
    if step.failure.traceback:
        yield Content("")
        yield title("traceback")
        yield from (Content(f"  {line}") for line in multi_line(step.failure.traceback))


def _place(file: str, line: int) -> str:
    return f"{show_line(file, 80)}:{line}" if line else show_line(file, 80)


def _findings(report: Report, step: StepState) -> Iterator[Content]:
    found = [finding for finding in report.findings if finding.step == step.id]
    if not found:
        return
    yield Content("")
    yield title("findings")
    for finding in found:
        mark = marks.SEVERITY[finding.severity]
        yield Content.assemble(f"  {mark.symbol} ", show_line(finding.message, 400)).stylize(mark.style, 2, 3)


def _inputs(step: StepState) -> Iterator[Content]:
    if not step.inputs:
        return
    yield Content("")
    yield title("inputs")
    for entry in step.inputs:
        yield from _input(entry, step)


def _input(entry: InputState, step: StepState) -> Iterator[Content]:
    wire = {"memory": marks.IN_MEMORY, "spill": marks.ON_DISK}.get(
        entry.location, marks.NOT_FOUND if step.status == "failed" else marks.UNKNOWN
    )
    origin = show_line(entry.from_step, 120) if entry.from_step else "a step the log does not name"
    where = f"  events.jsonl:{entry.line}" if entry.line else ""
    yield Content.assemble(
        (f"  {wire.letter} {wire.word}", wire.style),
        f"  {show_line(entry.name, 80)} from {origin}  {figures.format_rows(entry.rows)}",
        (where, MUTED),
    )
    for tried in entry.attempts:
        place, result, reason = (
            inline_json(tried.get(key) or "", 200) for key in ("place", "outcome", "reason")
        )
        yield Content.assemble(("    tried ", MUTED), f"{place}: {result}", (f"  {reason}", MUTED))


def _output(step: StepState) -> Iterator[Content]:
    yield Content("")
    yield title("output")
    told = f"  told by {show_line(step.rows_out_source, 80)}" if step.rows_out_source else ""
    yield Content.assemble(f"  {figures.format_rows(step.rows_out)}  ", frame_place(step), (told, MUTED))
    yield from (_artifact(artifact) for artifact in step.artifacts)


def _artifact(artifact: Artifact) -> Content:
    mark = ARTIFACT[artifact.state]
    size = f"  {figures.format_bytes(artifact.bytes)}" if artifact.bytes is not None else ""
    if artifact.state == "present" and artifact.path.endswith(".parquet"):
        size += "  p looks into it"
    elif artifact.state == "present":
        size += "  a opens it"
    return Content.assemble(
        (f"  {mark.symbol} ", mark.style), show_line(artifact.path, 300), (f"  {mark.word}{size}", MUTED)
    )


def _rest(step: StepState) -> Iterator[Content]:
    if step.config:
        yield Content("")
        yield title("configuration")
        yield from (Content(line) for line in json_lines(step.config)[1:-1])


def frame_place(step: StepState) -> Content:
    """Where the frame of a step was kept."""
    if step.storage == "none" and (step.is_writer or step.status != "succeeded"):
        return Content.styled(figures.UNKNOWN, MUTED)  # there was no frame to keep
    wires = {"memory": marks.IN_MEMORY, "spill": marks.ON_DISK, "none": marks.NOT_FOUND}
    wire = wires.get(step.storage)
    if wire is None:
        return Content.styled(figures.UNKNOWN, MUTED)
    return Content.styled(f"{wire.letter} {wire.word}", wire.style)
