"""Creates the tables of a run in DuckDB."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from osiris_inspect.inspector.tables.table_rows import COLUMNS, ProgressCallback

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog
    from osiris_inspect.inspector.run.report import Report


FieldNames = Callable[[], Sequence[str] | None]


class Connection(Protocol):
    """The used part of a DuckDB connection."""

    def execute(self, query: str) -> Any:
        """Run a statement."""

    def register(self, name: str, rows: object) -> Any:
        """Make rows available as a view."""


def create_tables(
    connection: Connection, report: "Report", on_progress: ProgressCallback, field_names: FieldNames
) -> set[str]:
    """Create the tables and return the names of those that are empty.

    The events of a long log are a view: they are decoded when a query reads them, and ``on_progress`` is then called.
    ``field_names`` returns the fields of events that the query reads, None for all.
    """
    from osiris_inspect.inspector.run.run import LazyEvents

    log, empty = report.run.events, set(COLUMNS)
    for name, columns in COLUMNS.items():
        kinds = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        if name == "events" and isinstance(log, LazyEvents):
            register_event_dataset(
                connection, cast("LargeLog", log), on_progress, field_names
            )  # the only implementation
            empty.discard(name)
        else:
            connection.execute(f'CREATE TABLE "{name}" ({kinds})')
    return empty


def register_event_dataset(
    connection: Connection, log: "LargeLog", on_progress: ProgressCallback, field_names: FieldNames
) -> None:
    """Create the view of the events of a long log."""
    from osiris_inspect.inspector.tables.event_dataset import EventDataset

    connection.register("long events", EventDataset(log, on_progress, field_names))
    columns = ", ".join(f'"{column}"::{kind} AS "{column}"' for column, kind in COLUMNS["events"].items())
    connection.execute(f'CREATE TEMP VIEW events AS SELECT {columns} FROM "long events"')  # noqa: S608  our own names
