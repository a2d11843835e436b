"""A server was found but did not accept the connection.

What it finds:
    An error in which a connection to a server was refused.

Why it matters:
    The step cannot read or write; the pipeline itself may be correct.

How to fix:
    Check host and port of the connection from where the step ran: a sandbox cannot reach the localhost of the
    host.

Example:
    `(2003, "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)")`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

REFINES = ("connection-failed",)
_CHECK = "check host, port, firewall and whether the server is running, from where the step ran"
_IPV6 = LazyRegex(r"\(?[0-9a-f]{1,4}:[0-9a-f:]{2,40}\)?", re.IGNORECASE)


def _route_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if _IPV6.search(text.text):
        return "use an address with IPv4, such as the pooler of the project: where the step ran, IPv6 was not available"
    return "check the address, the network and the firewall where the step ran"


def _is_of_the_service(_run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    """Return True if a response of a service quotes the error: the service was reached."""
    return "http response body" in text.text[: match.start()].lower()


def _local_address_fix(run: Run, text: ErrorText, match: re.Match[str]) -> str:
    if _IPV6.search(text.text):
        return _route_fix(run, text, match)
    return "check the address (in a container, localhost is the container itself), and open fewer connections at once"


_PROXY_FIXES = (
    (
        "invalidproxyurl",
        "write the complete address of the proxy, such as http://host:3128, into HTTPS_PROXY where the step runs",
    ),
    (
        r"\b407\b",
        "set user and password of the proxy in HTTPS_PROXY (http://user:password@host:port) where the step runs",
    ),
    (
        r"tunnel connection failed: 403|proxyerror: 403|http code 403 from proxy",
        "allow the host of the service in the proxy, or list it in NO_PROXY where the step runs if it needs no proxy",
    ),
    (
        r"tunnel connection failed: 5\d\d",
        "check the host of the service and the network of the proxy, which did not reach the service itself",
    ),
)
"""Words of an error of a proxy and the remedy; the first that occur count."""
_PROXY = "check host and port of the proxy in HTTPS_PROXY where the step runs and that the proxy runs, or list the service in NO_PROXY"


def _proxy_fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    words = "\n".join((text.text, *text.causes)).lower()
    return next((fix for pattern, fix in _PROXY_FIXES if re.search(pattern, words)), _PROXY)


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:too many (?:connections|clients))[^\n]{0,60}|exceeded the 'max_(?:user_)?connections[^'\n]{0,20}' resource[^\n]{0,60}"
            r"|(?i:no more connections allowed)[^\n]{0,60}"
            r"|remaining connection slots are reserved[^\n]{0,80}"
            r"|(?i:max client connections reached|MaxClientsInSessionMode|max(?: number of)? clients reached)[^\n]{0,80}"
        ),
        message="a limit on the number of connections was reached",
        fix="close idle connections, open fewer at once, or raise the connection limit of the server, pooler or account",
        domain="infra",
        search_text_logs=True,
        error_class="too many connections",
    ),
    ErrorPattern(
        pattern=r"the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting connections)[^\n]{0,60}",
        message="the server was starting or shutting down",
        fix="run again when the server is up",
        domain="infra",
        search_text_logs=True,
        error_class="starting",
    ),
    ErrorPattern(
        pattern=r"database \"[^\"\n]{1,120}\" is not currently accepting connections",
        message="the server does not allow connections to this database, which is a template or was closed",
        fix="correct the database of the connection, or open it on the server: ALTER DATABASE ... ALLOW_CONNECTIONS true",
        domain="config",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=(
            r"no pg_hba\.conf entry for [^\n]{1,160}"
            r"|Host '[^'\n]{1,120}' is not allowed to connect[^\n]{0,120}"
        ),
        message="the server did not allow this client",
        fix="allow the step's address on the server; connect with TLS if the message says no encryption",
        domain="config",
        search_text_logs=True,
        error_class="client not allowed",
    ),
    ErrorPattern(
        pattern=r"Host '[^'\n]{1,120}' is blocked because of[^\n]{0,120}",
        message="the server blocked this client after too many failed connections",
        fix="unblock the client on the server (FLUSH HOSTS) after fixing the failing connections",
        domain="config",
        search_text_logs=True,
        error_class="client blocked",
    ),
    ErrorPattern(
        pattern=r"\bProxyError\b[^\n]{0,160}|Tunnel connection failed: [^\n]{1,80}|(?i:unable to connect to proxy)[^\n]{0,80}|\bClient(?:HttpProxy|ProxyConnection)Error\b[^\n]{0,160}|\bHTTP code \d{3} from proxy\b[^\n]{0,60}|\bInvalidProxyURL\b[^\n]{0,100}",
        message="no connection through the proxy could be established",
        fix=_proxy_fix,
        domain="config",
    ),
    ErrorPattern(
        pattern=r"(?i:cannot assign requested address)|\[Errno 99\][^\n]{0,80}",
        message="the system had no local address or no free local port for this connection",
        fix=_local_address_fix,
        domain="infra",
        confidence=Confidence.MEDIUM,
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"(?i:network is unreachable|no route to host)|\[Errno (?:101|113)\][^\n]{0,80}",
        message="there was no route to the server",
        unless=_is_of_the_service,
        fix=_route_fix,
        domain="infra",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=(
            r"(?i:connection refused|actively refused)|\bConnectionRefusedError\b[^\n]{0,120}|\[Errno (?:61|111)\][^\n]{0,100}"
            r"|\bECONNREFUSED\b|Can't connect to (?:local )?(?:MySQL |MariaDB )?server[^\n]{1,100}\((?:2|61|111|10061)[ )\"][^\n]{0,60}"
            r"|connection to server on socket \"[^\"\n]{1,200}\" failed[^\n]{0,80}"
        ),
        message="the server did not accept the connection",
        unless=_is_of_the_service,
        fix=_CHECK,
        domain="infra",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=(
            r"Can't connect to (?:local )?(?:MySQL |MariaDB )?server[^\n]{0,120}"
            r"|could not connect to server[^\n]{0,80}"
            r"|Cannot connect to host [^\n]{1,160}|Connect call failed[^\n]{0,80}|\bNoBrokersAvailable\b"
            r"|\bConnectError\b[^\n]{0,120}|All connection attempts failed"
            r"|\bConnection(?:Error\b| (?:failed|error): )(?!(?:\(?['\"]?Connection (?:aborted|broken)))[^\n]{1,120}"
            r"|\bconnect failed \(addresses tried: [^\n]{1,120}"
        ),
        message="no connection to the server could be established",
        fix=_CHECK,
        domain="infra",
        confidence=Confidence.MEDIUM,
        search_text_logs=True,
    ),
)
