"""HTTP responses that the text logs of a run record."""

from typing import NamedTuple


class HttpResponse(NamedTuple):
    """The status line of one HTTP response.

    Attributes:
        path: the path of the URL, without its query.
        reason: the words of the status; empty if they are not logged and the status is not registered.
        quote: the part of the line that reports the response.
        time: of the line, in seconds since 1970 if the log is in UTC; None if it has none.
        step: the step that was running at that time; None if unknown.
    """

    method: str
    path: str
    status: int
    reason: str
    file: str
    line: int
    quote: str
    time: float | None = None
    step: str | None = None

    @property
    def is_error(self) -> bool:
        """True if the service did not do what the request asked for."""
        return self.status >= 400

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.reason}".rstrip()
