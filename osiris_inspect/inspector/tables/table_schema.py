"""The tables of a run in a database: empty ones to be filled, and those that answer by themselves."""

from typing import TYPE_CHECKING, Any, Protocol, cast

from osiris_inspect.inspector.tables.table_rows import COLUMNS, ProgressCallback

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LargeLog
    from osiris_inspect.inspector.run.report import Report


class Connection(Protocol):
    """What is needed of a connection to DuckDB, which is opened elsewhere."""

    def execute(self, query: str) -> Any:
        """Carry out a statement."""

    def register(self, name: str, rows: object) -> Any:
        """Have rows answer to a name."""


def create_tables(connection: Connection, report: "Report", on_progress: ProgressCallback) -> set[str]:
    """Make the tables, without rows; the names of those that are to be filled.

    The events of a long log are there at once: they are decoded when they are asked for, as far as they are, and ``told``
    hears how far that has come.
    """
    from osiris_inspect.inspector.run.run import LazyEvents

    log, left = report.run.events, set(COLUMNS)
    for name, columns in COLUMNS.items():
        kinds = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        if name == "events" and not isinstance(log, tuple) and isinstance(log, LazyEvents):
            _register_event_dataset(connection, cast("LargeLog", log), on_progress)  # the only one there is
            left.discard(name)
        else:
            connection.execute(f'CREATE TABLE "{name}" ({kinds})')
    return left


def _register_event_dataset(connection: Connection, log: "LargeLog", on_progress: ProgressCallback) -> None:
    from osiris_inspect.inspector.tables.event_dataset import EventDataset

    connection.register("long events", EventDataset(log, on_progress))
    columns = ", ".join(f'"{column}"::{kind} AS "{column}"' for column, kind in COLUMNS["events"].items())
    connection.execute(f'CREATE TEMP VIEW events AS SELECT {columns} FROM "long events"')  # noqa: S608  our own names
