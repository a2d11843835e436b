"""Names of keys whose values are secrets, compared word by word."""

import re
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"(?<![A-Z])[A-Z]{1,64}(?![a-z])|[A-Z]?[a-z]{1,64}")
_NAMES: Final = """
    authorization bearer cookie cookies credential credentials creds dsn hmac jwt key pass passcode passkey
    passphrase passwd password passwords pw pwd sas secret secrets token
"""
_LAST_WORDS: Final = frozenset(_NAMES.split())
"""Words that make a name one of a secret if they are its last word; ``key`` only if it is the whole name."""
_ENDINGS: Final = (
    *("accesskey", "accountkey", "apikey", "authkey", "connectionstring", "connstr", "credentials"),
    *("encryptionkey", "masterkey", "pass", "passphrase", "passwd", "password", "privatekey", "pw", "pwd"),
    *("secret", "secretkey", "sharedkey", "signingkey", "storagekey", "subscriptionkey", "token"),
)
"""Ends of words that are written together, such as ``sslpassword``."""
_INNOCENT: Final = frozenset(
    ("bypass", "compass", "encompass", "overpass", "surpass", "trespass", "underpass")
)
_KEY_WORDS: Final = """
    access account admin aes anon api app application auth cipher client consumer crypto decryption deploy
    encryption fernet function hmac licence license master private role rsa sas secret service session shared
    signing ssh storage subscription webhook
"""
_KINDS_OF_KEYS: Final = frozenset(_KEY_WORDS.split())
"""Words before ``key`` that make it a secret; ``primary_key`` and ``sort_key`` are columns."""
_PAIRS: Final = frozenset(
    {
        *(
            ("basic", "auth"),
            ("http", "auth"),
            ("proxy", "auth"),
            ("client", "assertion"),
            ("secret", "id"),
            ("secret", "string"),
        ),
        *(("connection", "string"), ("conn", "string"), ("conn", "str"), ("sql", "url"), ("webhook", "url")),
    }
)


@lru_cache(4096)
def is_secret_key(name: str) -> bool:
    """Return True if a key of this name holds a secret (``clientSecret``, ``x-api-key``; not ``primary_key``)."""
    words = split_words(name)
    if not words:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in ("key", "keys"):
        return before in _KINDS_OF_KEYS or (last == "key" and not before)
    if (last, before) == ("id", "key"):
        return words[-3:-2] == ("access",)
    if last in _LAST_WORDS or (before, last) in _PAIRS:
        return True
    return last.endswith(_ENDINGS) and last not in _INNOCENT


@lru_cache(4096)
def split_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``x-api-key``, ``xApiKey`` and ``X_API_KEY`` have the same three."""
    return tuple(word.lower() for word in _WORD.findall(name))
