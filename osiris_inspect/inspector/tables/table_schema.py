"""The tables of a run in a database: empty ones to be filled, and those that answer by themselves."""

from typing import TYPE_CHECKING, Any, Protocol, cast

from osiris_inspect.inspector.tables.table_rows import COLUMNS, Progress

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.large_log import LongLog
    from osiris_inspect.inspector.run.report import Report


class Connection(Protocol):
    """What is needed of a connection to DuckDB, which is opened elsewhere."""

    def execute(self, query: str) -> Any:
        """Carry out a statement."""

    def register(self, name: str, rows: object) -> Any:
        """Have rows answer to a name."""


def create(connection: Connection, report: "Report", told: Progress) -> set[str]:
    """Make the tables, without rows; the names of those that are to be filled.

    The events of a long log are there at once: they are decoded when they are asked for, as far as they are, and ``told``
    hears how far that has come.
    """
    from osiris_inspect.inspector.run.run import Abridged

    log, left = report.run.events, set(COLUMNS)
    for name, columns in COLUMNS.items():
        kinds = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        if name == "events" and not isinstance(log, tuple) and isinstance(log, Abridged):
            _show(connection, cast("LongLog", log), told)  # the only one there is
            left.discard(name)
        else:
            connection.execute(f'CREATE TABLE "{name}" ({kinds})')
    return left


def _show(connection: Connection, log: "LongLog", told: Progress) -> None:
    from osiris_inspect.inspector.tables.event_dataset import LongEvents

    connection.register("long events", LongEvents(log, told))
    columns = ", ".join(f'"{column}"::{kind} AS "{column}"' for column, kind in COLUMNS["events"].items())
    connection.execute(f'CREATE TEMP VIEW events AS SELECT {columns} FROM "long events"')  # noqa: S608  our own names
