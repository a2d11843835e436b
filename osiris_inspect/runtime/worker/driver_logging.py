"""Log records of drivers in the worker's log."""

import logging
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, TextIO

MAX_RECORDS: Final = 1_000
"""Records below WARNING that are kept of a step."""
MAX_CHARACTERS: Final = 256 << 10
"""Characters of these records."""
MAX_RECORD: Final = 4_000
"""Characters of one of these records."""
LAST_RECORDS: Final = 20
"""Records after the limit that are kept nevertheless: the last ones often have the totals."""
_LIBRARY_NAMES: Final = """
    aiobotocore aiohttp anyio asyncio azure boto boto3 botocore cachetools chardet charset_normalizer
    concurrent cryptography distributed elastic_transport elasticsearch filelock fontTools fsspec gcsfs
    google googleapiclient gql grpc h2 hpack httpcore httpx hvac kafka kombu matplotlib msal multipart
    numba numexpr oauthlib openai opensearch paramiko pika PIL pooch py4j pyarrow pymongo pymysql redis
    requests requests_oauthlib rich s3fs s3transfer shapely simple_salesforce smbprotocol snowflake
    sqlalchemy tenacity trino urllib3 websockets zeep
"""
_LIBRARIES: Final = frozenset(_LIBRARY_NAMES.split())
"""Packages that log their own work, such as each request, at INFO."""
_ABOUT_CODE: Final = (
    DeprecationWarning,
    FutureWarning,
    ImportWarning,
    PendingDeprecationWarning,
    ResourceWarning,
    SyntaxWarning,
)
"""Warnings about the code of a driver, not about its data."""


@contextmanager
def driver_logging(step_id: str) -> Iterator[None]:
    """Print the log records and warnings of drivers and libraries while a step runs, with time, level and step.

    Drivers are logged from INFO on and well-known libraries from WARNING on, unless the process is configured to log
    more. In every mode what a driver prints is written to the worker's log.
    """
    handler = _PROCESS.add_step(step_id)
    try:
        yield
    finally:
        _PROCESS.remove_step(handler)
        handler.print_last_records()


class _ProcessLogging:
    """Logging of this process while steps run, in one thread each; the first changes it, and the last restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handlers: list[_DriverLogHandler] = []
        self._changes = ExitStack()
        self._level = logging.WARNING

    def add_step(self, step_id: str) -> "_DriverLogHandler":
        """Return the handler of the records of a step in this thread."""
        root = logging.getLogger()
        with self._lock:
            if not self._handlers:
                self._level = root.level
                self._change(root)
            handler = _DriverLogHandler(sys.stdout, step_id, self._level, self)
            self._handlers.append(handler)
            root.addHandler(handler)
        return handler

    def remove_step(self, handler: "_DriverLogHandler") -> None:
        """Print no more records of a step."""
        with self._lock:
            logging.getLogger().removeHandler(handler)
            self._handlers.remove(handler)
            if not self._handlers:
                self._changes.close()

    def is_of(self, handler: "_DriverLogHandler", record: logging.LogRecord) -> bool:
        """Return True if a record is of the thread of a step, or of no step's thread and this is the oldest step."""
        owner = next((each for each in self._handlers if each.thread == record.thread), None)
        return handler is (owner or next(iter(self._handlers), None))

    def _change(self, root: logging.Logger) -> None:
        host_filter, level = _HostFilter(self._level), self._level
        if level > logging.INFO:
            for host_handler in root.handlers:
                host_handler.addFilter(host_filter)
                self._changes.callback(host_handler.removeFilter, host_filter)
            root.setLevel(logging.INFO)
            self._changes.callback(_restore_level, level)
        self._changes.enter_context(_warnings_as_records())


def _restore_level(level: int) -> None:
    """Restore the level of the process, unless a driver has set another one."""
    root = logging.getLogger()
    if root.level == logging.INFO:
        root.setLevel(level)


@contextmanager
def _warnings_as_records() -> Iterator[None]:
    """Log the warnings of drivers, each text once for a line of code; those about code are shown as before.

    The filters stay as they are, so a driver can ignore a warning.
    """
    with warnings.catch_warnings():  # also forgets which warnings an earlier step has shown
        show = warnings.showwarning

        def log(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if file is not None:
                show(message, category, filename, lineno, file, line)
            elif issubclass(category, _ABOUT_CODE):
                show(message, category, filename, lineno, None, "")  # without the line of code
            else:
                logging.getLogger("py.warnings").warning("%s: %s", category.__name__, message)

        warnings.showwarning = log
        yield


class _DriverLogHandler(logging.StreamHandler[TextIO]):
    """Prints the records of one step; those below WARNING up to a limit, and the last ones."""

    def __init__(self, stream: TextIO, step_id: str, host_level: int, process: "_ProcessLogging") -> None:
        super().__init__(stream)
        self.thread = threading.get_ident()
        self.setFormatter(
            logging.Formatter(f"%(asctime)s - %(name)s - [step {step_id}] - %(levelname)s - %(message)s")
        )
        self.addFilter(lambda record: _is_kept(record, host_level) and process.is_of(self, record))
        self._records = self._characters = self._skipped = 0
        self._last: deque[str] = deque(maxlen=LAST_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, or keep it for the end."""
        if record.levelno >= logging.WARNING:
            super().emit(record)
            return
        try:
            text = self.format(record)[:MAX_RECORD]
            if self._records < MAX_RECORDS and self._characters + len(text) <= MAX_CHARACTERS:
                self._records += 1
                self._characters += len(text)
                self._print(text)
            else:
                self._skipped += 1
                self._last.append(text)
        except Exception:  # noqa: BLE001  a record can have any arguments; logging must not fail the step
            self.handleError(record)

    def print_last_records(self) -> None:
        """Print the number of records over the limit, and the last of them."""
        left_out = self._skipped - len(self._last)
        if left_out:
            self._print(f"[{left_out:,} more log records below WARNING were not kept]")
        for text in self._last:
            self._print(text)
        self._last.clear()

    def _print(self, text: str) -> None:
        self.stream.write(text + self.terminator)
        self.flush()


class _HostFilter(logging.Filter):
    """Rejects records that the process would not have logged without this step."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the record is high enough, or its logger has a level of its own."""
        return record.levelno >= self._level or _has_own_level(record.name)


_PROCESS: Final = _ProcessLogging()


def _is_kept(record: logging.LogRecord, host_level: int) -> bool:
    if record.levelno >= min(logging.WARNING, host_level) or _has_own_level(record.name):
        return True
    return record.name.partition(".")[0] not in _LIBRARIES


def _has_own_level(name: str) -> bool:
    """Return True if a logger or one of its parents below the root has a level."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.parent is not None:
        if logger.level:
            return True
        logger = logger.parent
    return False
