"""Log: what the text logs say beyond the events, and what could not be read."""

from collections.abc import Sequence

from textual.content import Content

from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import LogLine, UnreadableInput
from osiris_inspect.inspector.text.sanitize import multi_line, show_line
from osiris_inspect.tui.drawing.symbols import MUTED
from osiris_inspect.tui.panes.list_and_detail import ListDetailPane
from osiris_inspect.tui.widgets.list_rows import Layout, ListContent, Row, StaticRow

_FAILED = ("ERROR", "CRITICAL", "FATAL")


class Log(ListDetailPane):
    """Lines of the text logs, then the lines of any file that could not be read."""

    def build_rows(self, report: Report) -> Layout:
        """A row a line."""
        run = report.run
        rows = [*map(_line, run.log_lines), *map(_unread, run.unreadable)]
        nothing = StaticRow(Content.styled("no text log, or nothing in it beyond the events", MUTED), "")
        return lambda _width: ListContent(rows or [nothing])

    def details(self, report: Report, row: Row) -> Sequence[Content]:
        """The line in full."""
        line = next((line for line in report.run.log_lines if (line.file, line.line) == row.key), None)
        if line is None:
            return [Content(row.text)]
        place = Content.styled(f"{show_line(line.file, 120)}:{line.line}", "$state-link")
        return [place, Content(""), *map(Content, multi_line(line.text))]


def _line(line: LogLine) -> StaticRow:
    is_failure = line.level.upper() in _FAILED
    sign, tone = ("✗", "$state-bad") if is_failure else ("!", "$state-warn") if line.level else (" ", "")
    text = show_line(line.text)
    place = f"{show_line(line.file, 60)}:{line.line}"
    content = Content.assemble((f"{sign} ", tone), (f"{place}  ", MUTED), text)
    fields = {"level": line.level, "file": line.file, "line": line.line}
    is_warning = bool(line.level) and not is_failure
    return StaticRow(content, f"{place} {text}", (line.file, line.line), fields, is_failure, is_warning)


def _unread(unread: UnreadableInput) -> StaticRow:
    place = show_line(unread.file, 120) + (f":{unread.line}" if unread.line else "")
    reason = show_line(unread.reason, 400)
    times = f", {unread.count:,} times" if unread.count > 1 else ""
    content = Content.assemble(("! ", "$state-warn"), (f"{place}  ", MUTED), f"not read{times}: {reason}")
    return StaticRow(
        content,
        f"{place} not read: {reason}",
        ("unread", unread.file, unread.line),
        {"file": unread.file},
        is_warning=True,
    )
