"""An established connection was closed.

What it finds:
    An error in which a server, a proxy or a network device closed a connection before the response.

Why it matters:
    The server may have processed the data already, so the target can be partly updated. The address and the
    credentials are usually correct.

How to fix:
    Check the server log at that time: a restart, a time or memory limit, a proxy. Then run again.

Example:
    `server closed the connection unexpectedly`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

REFINES = ("connection-refused", "connection-failed", "query-failed")
_PARTLY = "; some work may have been done"
_CHECK = (
    f"check the server log at that time for a restart, a limit or an administrator, then run again{_PARTLY}"
)


_DOWNLOAD = LazyRegex(
    r"\bIncompleteRead\(|Connection broken: |Response payload is not completed|without sending complete message body"
    r"|\bChunkedEncodingError\b|\bInvalidChunkLength\b|\bContentTooShortError\b|retrieval incomplete: "
)
_EOF_OF_TLS = LazyRegex(r"\bEOF occurred in violation of protocol|\bunexpected (?:eof|EOF) while reading")
_AGAIN = "run again; if the download ends at the same place, raise the limit of the server or proxy, or read it in parts"


def _fix(run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    step = run.step(text.step or "")
    if _DOWNLOAD.search(text.searchable):
        return f"{_AGAIN}{_PARTLY}" if step is not None and step.is_writer else _AGAIN
    if _EOF_OF_TLS.search(text.text):
        return (
            "check that the port offers TLS and that no proxy or firewall ends the connection; the log of the server names its "
            f"reason{_PARTLY}"
        )
    if "gone away" in text.text:
        return f"check wait_timeout and max_allowed_packet of the server and its log, then run again{_PARTLY}"
    if "initial communication packet" in text.text or "authorization packet" in text.text:
        return "check that a database listens at this port, and that neither a proxy, a firewall nor its address rules end the connection"
    if "idle" in text.text.lower() or "inactivity" in text.text:
        return "keep the connection in use, connect again before the query, or raise the idle timeout of the server"
    return _CHECK


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:Packet sequence number wrong(?! - got (?:3[2-9]|[4-9]\d|1[01]\d|12[0-6]) expected 0))[^\n]{0,60}|Commands out of sync[^\n]{0,80}|Malformed packet[^\n]{0,40}"
            r"|another (?:command|operation) is (?:already )?in progress"
            r"|lost synchronization with server[^\n]{0,80}|insufficient data in \"\w\" message[^\n]{0,20}"
            r"|SQLite objects created in a thread[^\n]{0,80}"
        ),
        message="the connection was out of step: two threads or processes used it, or it was used after an error",
        fix="give each thread and process its own connection, and connect again after an error",
        domain="code",
        search_text_logs=True,
        error_class="out of step",
    ),
    ErrorPattern(
        pattern=(
            r"Connection Error: Connection already closed|InterfaceError\)? ?\(0, ''\)"
            r"|\b(?:connection|cursor) already closed\b|\b(?:the )?(?:connection|cursor) is (?:already )?closed\b"
        ),
        message="the connection was closed before the step used it: by the code, or by an error or an idle time before",
        fix="look for an earlier error of this connection, and connect again before the query",
        domain="code",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"(?i:terminating connection due to (?:idle[^\n]{0,40}timeout|administrator command|conflict[^\n]{0,40}|unexpected[^\n]{0,60}))|(?i:disconnected by the server because of inactivity)[^\n]{0,60}",
        message="the server ended the connection",
        fix=_fix,
        domain="infra",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=(
            r"(?i:server closed the connection unexpectedly)"
            r"|(?i:SSL connection has been closed unexpectedly|SSL SYSCALL error: (?!Connection timed out)[^\n]{1,80})"
            r"|\bEOF occurred in violation of protocol[^\n]{0,60}|\bunexpected eof while reading[^\n]{0,60}"
            r"|(?:Lost connection to (?:MySQL |MariaDB )?server|server has gone away)"
            r"(?![^\n]{0,120}(?i:timed out|timeout))[^\n]{0,80}"
            r"|(?:Connection was killed|Session was killed|Server shutdown in progress)[^\n]{0,60}"
            r"|(?i:connection (?!aborted\.', (?:(?:FileNotFound|Permission)Error|BadStatusLine)\()(?:(?:was|has been|is) )?(?:reset|aborted|closed|killed|terminated|dropped)(?: by| in| before|\.|$))[^\n]{0,80}"
            r"|(?i:server disconnected(?: without)?|the connection is lost)[^\n]{0,80}"
            r"|\bConnection(?:Reset|Aborted)Error\b[^\n]{0,80}|\[Errno (?:103|104)\][^\n]{0,60}"
            r"|\bRemoteDisconnected\b[^\n]{0,80}|(?i:remote end closed connection)[^\n]{0,60}"
            r"|\bRemoteProtocolError\b(?!: (?:illegal|[Ii]nvalid|[Mm]alformed))[^\n]{0,80}|\b(?:httpx|httpcore)\.(?:Read|Write)Error\b[^\n]{0,80}|^(?:Read|Write)Error:? ?$|\b(?:Read|Write)Error: \[[^\n]{0,80}"
            r"|(?i:peer closed connection without sending)[^\n]{0,80}"
            r"|\bIncompleteRead\([^\n]{0,80}|Connection broken: [^\n]{1,80}|Response payload is not completed|\bContentTooShortError\b[^\n]{0,80}|retrieval incomplete: got only [^\n]{1,60}|\bServerDisconnectedError\b[^\n]{0,60}"
            r"|could not (?:receive data from|send data to) server: (?!Connection timed out)[^\n]{1,80}"
            r"|\bEOF detected(?! \w)|\bECONNRESET\b"
        ),
        message="the connection was ended before the whole response arrived",
        fix=_fix,
        domain="infra",
        search_text_logs=True,
        error_class="connection lost",
    ),
    ErrorPattern(
        pattern=r"Connection aborted\.', (?:FileNotFound|Permission)Error\([^\n]{0,80}",
        message="the socket of a service on this machine is missing, or the account may not use it",
        fix="start the service (such as Docker), and allow the account that runs the step to use its socket",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"\bBrokenPipeError\b[^\n]{0,80}|\[Errno 32\][^\n]{0,60}|(?i:broken pipe)(?=['\")\s]|$)",
        message="the reader of the data, a server or another process, ended the connection or the pipe first",
        fix=f"check the log of the server or the end of the other process at that time, then run again{_PARTLY}",
        domain="infra",
        confidence=Confidence.MEDIUM,
        search_text_logs=True,
    ),
)
