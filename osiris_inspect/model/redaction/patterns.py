"""Masking of secrets whose values are unknown, as in foreign logs: by the name of a key and by patterns."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from osiris_inspect.model.redaction.prefilter import may_have_pair, may_have_shape
from osiris_inspect.model.redaction.secret_keys import is_secret_key
from osiris_inspect.model.redaction.shapes import MASK, WORDS, shapes

_PAIR = (
    r"(?i)(?:pass(?:word|wd|phrase|code|key)?|pwd|pw|secret(?:_?string)?|token|key|jwt|creds|connection_?string)\d{0,2}"
    r"(?P<separator>\\{0,8}['\"]?\s{0,40}(?:=>|->|[:=])\s{0,9})"
    r"(?:b?(?P<quote>\\{0,8}['\"])(?P<quoted>(?:(?!(?P=quote))[^\n]){1,400})(?:(?P=quote)|\Z|(?=\n))|(?P<bare>[^\s&;,'\"]{1,400}))"
)
"""The end of a name that may be one of a secret, and its value; the beginning of the name is read backwards."""
_NAME_BEFORE = r"[A-Za-z][\w.\-]{0,63}\Z"
_LIKELY_BARE = r"[^\\$(){}<>\[\]]{6,400}"
_PASSWORDS = ("pass", "word", "passwd", "phrase", "code", "pwd", "pw")
"""Ends of the names of passwords, which may be any text; keys and tokens have letters and digits."""
_PLACEHOLDER = (
    r"(?i)(?:false|n/?a|none|null|no|not|off|on|optional|redacted|required|secretstr\(|str|string|text|true|unset|yes|x{3,}|\?"
    r"|\$\d{1,3}|(?:var|n?var|tiny|big|small)?(?:char|binary|int|text)\d?(?:\(.*)?|u?int\d{1,3}|float\d{0,2}|object|bool(?:ean)?|bytes|utf8"
    r"|\$[A-Z][A-Z0-9_]{0,60}|\[[a-z ]{3,40}\]|large_string|category|date|double|decimal.*|timestamp.*|[:@]?(?:[a-z_]\w{0,40}\.)?(?:pass|password|passwd|pwd|secret|token)|[0-9]{1,3}|\.{3}"
    r"|[A-Z]:\\.*|(?:os|self|cfg|args|config|settings|kwargs|options|getenv|get_\w{1,40})[.\[(].*)\Z"
)
"""A value that is not a secret: a word, a number of up to five digits, a Windows path or code."""
_MIN_ACCOUNT_KEY = 16
_CREATE = (
    r"(?i)\bcreate\s{1,9}(?:or\s{1,9}replace\s{1,9})?(?:(?:persistent|temporary)\s{1,9})?secret\b[^;]{0,2000}"
)
_OPTION = r"(?i)(\b(?:\w{0,30}_)?(?:secret|key_id|key|token|password|string)\s{1,9})'(?!\*\*\*)[^']{1,400}'"
_ORACLE_HOST = r"@(?=(?://)?[\w.\-]{1,100}:\d{1,5}/)"
_ORACLE_USER = r"(?<![\w/])[\w$#]{1,30}/([^\s/@'\"]{1,100})\Z"
_CIPHER_CALL = r"(?i)\b(?:\w{0,30}_)?(?:(?:en|de)crypt\w{0,30}|hmac|crypt)\("
"""The beginning of a call of a database's function with a key, such as ``AES_ENCRYPT(name, 'key')``."""
_ARGUMENT = (
    r"(?P<quote>['\"])(?!\*\*\*)(?:(?!(?P=quote))[\s\S]){1,400}(?:(?P=quote)|\Z)|['\"]\*\*\*['\"]|[();]"
)
"""A literal, or what can end the call."""
_MAX_CALL_CHARS = 4000
_INSERT = r"(?i)\binsert\s{1,9}into\s{1,9}[\w.\"`\[\]]{1,200}\s{0,9}\((?P<columns>[\w\s,\"`\[\]]{1,2000})\)\s{0,9}values\s{0,9}"
_ROW = r",?\s{0,9}\(((?:'(?:[^'\n]|''){0,1000}+'|[^'()\n]{1,400}+|\([^()\n]{0,200}+\)){1,200}+)\)"
_LITERAL = (
    r"\s{0,9}(?:[nN]?'(?P<text>(?:[^'\n]|''){0,1000})'|[^',()]{1,200}(?:\([^()]{0,200}\))?)\s{0,9}(?:,|\Z)"
)
"""A value of a row, with the comma after it."""


def mask_by_pattern(text: str) -> str:
    """Return ``text`` with everything masked that looks like a secret: passwords in URLs, tokens, cloud keys."""
    if "@" in text:
        text = _mask_before_host(text)
    lower = text.lower()
    words = [word for word in WORDS if word in lower]
    if not words:
        return text
    if not may_have_shape(text):
        return _mask_pairs(text) if may_have_pair(text) else text
    for pattern, replacement in shapes(words):
        text = pattern.sub(replacement, text)
    text = _mask_pairs(text)
    return _mask_inserts(_mask_cipher_calls(text))


def _mask_pairs(text: str) -> str:
    """Return ``text`` with the values masked that follow the name of a secret."""
    pair, name_before, create_secret, option = _compiled_pairs()
    parts: list[str] = []
    end = 0
    position = 0
    while match := pair.search(text, position):
        begin = max(0, match.start() - 64)
        name = name_before.search(text[begin : match.start("separator")].rstrip())
        if name is not None and _is_secret_value(
            name[0], match, text[max(0, begin + name.start() - 2) : begin + name.start()]
        ):
            group = "quoted" if match["quote"] else "bare"
            parts += (text[end : match.start(group)], MASK)
            position = end = match.end(group)
        else:
            position = match.end("separator")
    text = "".join([*parts, text[end:]])
    if "ecret" in text or "ECRET" in text:
        text = create_secret.sub(lambda match: option.sub(r"\1'***'", match[0]), text)
    return text


def _is_secret_value(name: str, match: re.Match[str], before: str) -> bool:  # noqa: PLR0911  one rule a line
    """Return True if the value of a pair is a secret; ``before`` are the characters before the name."""
    value, separator = match["quoted"] or match["bare"], match["separator"]
    if name.lower() in ("key", "keys") or not is_secret_key(name):
        return False
    if value.startswith((MASK, "<", "{", "${", "$(", "`", "%s", "%(", "./", "../", "~/")):
        return False
    if _compiled_placeholder().match(value):
        return False
    if name == "secret" and before.endswith(
        ":"
    ):  # the name of a secret: arn:aws:secretsmanager:<region>:<account>:secret:<name>
        return False
    if value.startswith("/") and not value.endswith("="):
        return False
    is_password = name.lower().rstrip("0123456789").endswith(_PASSWORDS)
    is_assigned = separator.strip("\\'\"") in ("=", "=>") or separator.strip() in ("=>", "->")
    is_prose = name.lower() == "token" and ":" in separator and before[:1].isalpha() and before[1:] == " "
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    is_token = name.lower() == "token"
    if match["quote"]:
        return is_password or (
            not is_prose and len(value) >= (12 if is_token and separator[0] == ":" else 8 if is_token else 4)
        )
    if is_assigned and is_password:
        return True
    if name.lower().endswith("accountkey") and len(value) < _MIN_ACCOUNT_KEY:
        return False
    if is_password and not has_both:
        has_both = re.search(r"[a-z][A-Z]|\w[!@#%^*+~]", value) is not None
    if not has_both or is_prose or (is_token and separator == ": " and len(value) < 12):
        return False
    return re.fullmatch(_LIKELY_BARE, value.partition("\\")[0].rstrip(")]}")) is not None


def _mask_before_host(text: str) -> str:
    """Return ``text`` with the passwords masked of ``user/password@host:1521/name``."""
    host, user = _compiled_hosts()
    parts: list[str] = []
    end = 0
    for match in host.finditer(text):
        found = user.search(text, max(end, match.start() - 132), match.start())
        if found is not None and found[1] != MASK:
            parts += (text[end : found.start(1)], MASK)
            end = match.start()
    return "".join([*parts, text[end:]])


def _mask_cipher_calls(text: str) -> str:
    """Return ``text`` with the literals masked that are arguments of encryption functions."""
    call, argument = _compiled_calls()
    parts: list[str] = []
    end = 0
    for start in call.finditer(text):
        if start.end() < end:
            continue  # inside the last call
        parts.append(text[end : start.end()])
        depth, end = 1, start.end()
        for token in argument.finditer(text, end, start.end() + _MAX_CALL_CHARS):
            depth += {"(": 1, ")": -1, ";": -depth}.get(token[0], 0)
            if depth <= 0:
                break
            if token["quote"]:
                closing = token["quote"] if token[0].endswith(token["quote"]) else ""
                parts += [text[end : token.start()], token["quote"] + MASK + closing]
                end = token.end()
    return "".join([*parts, text[end:]])


def _mask_inserts(text: str) -> str:
    """Return ``text`` with the literals masked that an INSERT gives to columns of secrets, in each of its rows."""
    insert, row, literal = _compiled_inserts()
    parts: list[str] = []
    end = 0
    for statement in insert.finditer(text):
        columns = [name.strip(" \t\n`\"'[]") for name in statement["columns"].split(",")]
        secret = [is_secret_key(name) and name.lower() != "key" for name in columns]
        position = statement.end()
        while any(secret) and (match := row.match(text, position)):
            values = list(literal.finditer(text, match.start(1), match.end(1)))
            for is_secret, value in zip(secret, values, strict=False):
                if is_secret and len(values) == len(columns) and value["text"] not in (None, MASK):
                    parts += (text[end : value.start("text")], MASK)
                    end = value.end("text")
            position = match.end()
    return "".join([*parts, text[end:]])


def mask_texts(texts: Sequence[Any]) -> list[Any]:
    """Return ``texts`` with what looks like a secret masked in each; values that are not text stay.

    Faster for many texts than ``mask_by_pattern`` for each: all of them are searched at once, as lines.
    """
    joined = "\n".join(text for text in texts if isinstance(text, str))
    if mask_by_pattern(joined) == joined:
        return list(texts)
    return [mask_by_pattern(text) if isinstance(text, str) else text for text in texts]


@cache
def _compiled_inserts() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    return re.compile(_INSERT), re.compile(_ROW), re.compile(_LITERAL)


@cache
def _compiled_pairs() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    patterns = (_PAIR, _NAME_BEFORE, _CREATE, _OPTION)
    pair, name, create, option = map(re.compile, patterns)
    return pair, name, create, option


@cache
def _compiled_placeholder() -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER)


@cache
def _compiled_hosts() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(_ORACLE_HOST), re.compile(_ORACLE_USER)


@cache
def _compiled_calls() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(_CIPHER_CALL), re.compile(_ARGUMENT)


def mask_by_key(value: Any) -> Any:
    """Return a JSON value with the values of secret keys masked, and patterns masked in all text."""
    if isinstance(value, Mapping):
        return {
            key: MASK if is_secret_item(str(key), item) else mask_by_key(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_by_key(item) for item in value]
    return mask_by_pattern(value) if isinstance(value, str) else value


def is_secret_item(key: str, value: Any) -> bool:
    """Return True if a value is a secret because of its key."""
    return is_secret_key(key) and value not in (None, "") and not _is_reference(value)


def _is_reference(value: Any) -> bool:
    """Return True for ``${VAR}``, which names a secret but does not contain it."""
    return isinstance(value, str) and re.fullmatch(r"\$\{[A-Za-z_]\w*\}", value) is not None
