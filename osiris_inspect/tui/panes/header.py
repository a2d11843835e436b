"""The first line of a run's screen: which run, how it ended, how long it took."""

from textual.content import Content
from textual.widgets import Static

from osiris_inspect.inspector.report import Report
from osiris_inspect.inspector.run import Run
from osiris_inspect.inspector.summary import rows_of
from osiris_inspect.tui import figures, inert, marks


def _where(run: Run) -> str:
    """Where a run was made, and what kept its worker apart: ``sandbox (bwrap)``."""
    kept_apart = run.isolation if run.isolation not in (None, run.mode) else None
    return (
        f"{run.mode} ({inert.line(kept_apart, 20)})" if kept_apart and run.mode != "local" else str(run.mode)
    )


class Header(Static):
    """Pipeline, run, mode and isolation, status, duration and rows on one line."""

    DEFAULT_CSS = """
    Header { height: 1; padding: 0 1; background: $panel; color: $foreground; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def show(self, report: Report) -> None:
        """Show this run."""
        run = report.run
        facts = [
            marks.RUN[run.status].content,
            *([Content(_where(run))] if run.mode else []),
            *([Content(figures.duration(run.duration_s))] if run.duration_s is not None else []),
            *([Content(figures.rows(rows))] if (rows := rows_of(report)) is not None else []),
        ]
        name = inert.line(run.pipeline, 60) if run.pipeline else ""
        self.update(
            Content.assemble(
                (name, "bold"),
                "  " if name else "",
                Content(" · ").join(facts),
                ("  " + inert.line(run.id, 120), marks.MUTED),
            )
        )
