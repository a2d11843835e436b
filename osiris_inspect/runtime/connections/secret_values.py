"""The secret values of connections and configurations: which they are, not where they appear."""

import base64
import binascii
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.model.redaction.secret_keys import split_words
from osiris_inspect.runtime.connections.env_file import EnvironmentVariables, variables_of

_PUBLIC_NAMES: Final = """
    alias bucket database db dbname family host hostname login path port region role schema server uid user username
    warehouse
"""
_PLACES: Final = frozenset(_PUBLIC_NAMES.split())
"""Last words of keys that say where and who, which a diagnosis needs."""
_USER_INFO: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,40})://(\S{1,4000})@")
_PORT: Final = re.compile(r"\d{1,5}(?:[/,?#]|\Z)")
_PAIR: Final = re.compile(
    r"([A-Za-z][\w.\- ]{0,40}?)\s{0,5}[=:]\s{0,5}(?:(?:Basic|Bearer|Token|ApiKey)\s{1,5})?"
    r"(?:'((?:[^'\\]|\\.){1,4000})'|\"([^\"]{1,4000})\"|([^\s;&,'\"]{1,4000}))",
    re.IGNORECASE,
)
_SCHEME: Final = re.compile(r"(?:Basic|Bearer|Token|ApiKey)\s+(\S+)\s*", re.IGNORECASE)
_MIN_TOKEN: Final = 8
_NUMBERS: Final = re.compile(r"[0-9]{0,9}(?:,[0-9]{0,9})*(?:\.[0-9]{1,9})?")


def is_public_key(name: str) -> bool:
    """Return True if a key says where or who, such as ``host`` or ``dbUser``."""
    return split_words(name)[-1:] != () and split_words(name)[-1] in _PLACES


def is_port(key: str) -> bool:
    """Return True if the value of a key is a number; another text may be a password in the wrong place."""
    return key in ("port", "connect_timeout")


def is_number(text: str) -> bool:
    """Return True if a text is a number, or numbers with commas: the ports of several hosts."""
    return _NUMBERS.fullmatch(text) is not None


def secret_values(
    key: str, value: Any, public: Container[str] = (), variables: EnvironmentVariables | None = None
) -> Iterator[str]:
    """Yield the secrets in a value and all that it contains.

    Args:
        key: the key of the value; the items of a list have the key of the list.
        value: the value before ``variables`` are substituted.
        public: keys whose values are not secrets, whatever their names.
        variables: substituted in the value; None if it contains none.
    """
    if key in public:
        return
    if isinstance(value, Mapping):
        below = {str(name): item for name, item in value.items()}
        for name, item in below.items():
            yield from secret_values(key if is_secret_key(key) else name, item, public, variables)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secret_values(key, item, public, variables)
    elif value is not None and not isinstance(value, bool):
        yield from _secrets_of_text(key, str(value), variables)


def _secrets_of_text(key: str, source: str, variables: EnvironmentVariables | None) -> Iterator[str]:
    used = variables_of(source, variables) if variables is not None else {}
    text = source
    for reference, (_, value) in used.items():
        text = text.replace(reference, value)
    is_secret = is_secret_key(key) or (is_port(key) and not is_number(text))
    for reference, (name, value) in used.items():
        is_whole = reference == source
        is_public = is_public_key(key) or (not is_whole and is_public_key(name))
        if is_secret_key(name) or not is_public:
            yield value
            is_secret |= is_whole
    if is_secret:
        yield text
        yield from _of_header(text)
    yield from embedded_secrets(text)


def embedded_secrets(text: str) -> Iterator[str]:
    """Yield the passwords and tokens in a URL, a DSN, a connection string or a header."""
    for match in _USER_INFO.finditer(text):
        user, colon, password = match[2].partition(":")
        if colon and not _PORT.match(password):
            yield from (password, unquote(password))
        elif (
            not colon
            and match[1].lower() in ("http", "https")
            and len(user) >= _MIN_TOKEN
            and "/" not in user
        ):
            yield from (user, unquote(user))
    for match in _PAIR.finditer(text):
        if is_secret_key(match[1].strip()):
            value = match[2] or match[3] or match[4]
            yield from (value, unquote(value))
            yield from _of_basic(value)


def _of_header(text: str) -> Iterator[str]:
    match = _SCHEME.fullmatch(text)
    if match is not None:
        yield match[1]
        yield from _of_basic(match[1])


def _of_basic(token: str) -> Iterator[str]:
    """Yield the password of a token of HTTP Basic, which is base64 of ``user:password``."""
    try:
        _, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return
    if colon and password:
        yield password
