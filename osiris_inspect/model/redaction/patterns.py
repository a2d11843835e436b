"""Masking of secrets whose values are unknown, as in foreign logs: by the name of a key and by patterns."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from osiris_inspect.model.redaction.secret_keys import is_secret_key

MASK = "***"

_KEYWORD = (
    r"(?:password|passwd|pwd|secret|token|api[_\-]?key|access[_\-]?key|account[_\-]?key|secret[_\-]?key|private[_\-]?key|"
    r"service_role_key|anon_key)"
)
_QUOTE = r"(?:\\{0,8}['\"])"
_LIKELY = r"(?!\*\*\*)(?=[^\s&;,'\"]{0,80}\d)(?=[^\s&;,'\"]{0,80}[A-Za-z])[^\s&;,'\"\\$(){}<>]{6,400}"
"""An unquoted value with letters and digits, so that ``password: YES`` and prose are not masked."""
_PARAMETER = (
    r"(?:[?&#]|\\u0026|&amp;)(?!(?:foreign|group|partition|primary|sort)[_\-]?key=)"
    r"(?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|authorization|authkey|auth|hmac|jwt"
    r"|passphrase|password|passwd|pass|pwd|signature|sig|(?:[a-z]{1,20}[_\-])?(?:access|api|auth|client)?[_\-]?(?:key|secret|token))"
)
"""The name of a parameter in a URL whose value is a secret, also where ``&`` is escaped."""
_NO_PLACEHOLDER = r"(?!\*\*\*|[{<]|\$\{|%[s(])"
_PATTERNS = (
    # scheme://user:password@host; the password ends at the last @ before the host
    (r"(?i)([a-z][a-z0-9+.\-]{0,40}://[^\s:/@'\"]{0,200}):[^\s'\"]{1,400}@(?=[\w.\-\[])", r"\1:***@"),
    (r"(\w{1,64}):[^\s:@'\"]{1,200}@(tcp|unix)\(", r"\1:***@\2("),
    (
        r"(?i)(Authorization\\{0,8}['\"]?\s{0,9}[:=]\s{0,9}\\{0,8}['\"]?(?:(?:Bearer|Basic|Token|ApiKey)\s{1,9})?+)"
        r"(?!\*\*\*)[^\s'\",}\\]{1,4000}",
        r"\1***",
    ),
    (r"(?i)(Bearer\s{1,9})[A-Za-z0-9._~+/\-]{8,4000}={0,2}", r"\1***"),
    (r"\beyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{4,2000}\.[A-Za-z0-9_\-]*", MASK),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", MASK),
    (r"\bAIza[A-Za-z0-9_\-]{35}", MASK),
    (
        r"\b(?:sb_secret_|sk_live_|ghp_|gho_|ghs_|github_pat_|xox[abpr]-|glpat-|e2b_(?=[a-z_]{0,40}\d))[A-Za-z0-9_\-]{8,400}|"
        r"\b(?:sk-[A-Za-z0-9_\-]{20,400}|hf_[A-Za-z0-9]{30,100}|dapi[0-9a-f]{32})",
        MASK,
    ),
    (r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?!\*\*\*)(?:(?!-----END)[\s\S]){1,20000}", r"\1***"),
    (rf"(?i)({_KEYWORD}{_QUOTE}?\s{{0,9}}[:=]\s{{0,9}})({_QUOTE})(?!\*\*\*)[^'\"]{{3,400}}?\2", r"\1\2***\2"),
    (r"(?i)(\b(?:identified\s{1,9}by|password)\s{1,9})'(?!\*\*\*)[^']{1,400}'", r"\1'***'"),
    (r"(?i)((?:password|passwd|pwd)=)(?!\*\*\*)[^\s&;'\",]{1,400}", r"\1***"),
    (rf"(?i)({_KEYWORD}{_QUOTE}?(?:\s{{0,9}}[:=]\s{{0,9}})){_LIKELY}", r"\1***"),
    (rf"(?i)(--{_KEYWORD}\s{{1,9}}){_LIKELY}", r"\1***"),
    (r"(?i)(\bencryption_key\s{1,9})'(?!\*\*\*)[^']{1,400}'", r"\1'***'"),
    (rf"(?i)({_PARAMETER}=){_NO_PLACEHOLDER}[^\s&;#'\",<>()\\]{{1,4000}}", r"\1***"),
)
"""Patterns of secrets and their replacements. Every repetition is bounded, so that the time is linear in the text."""
_CIPHER_CALL = r"(?i)\b(?:\w{0,30}_)?(?:(?:en|de)crypt\w{0,30}|hmac|crypt)\("
"""The beginning of a call of a database's function with a key, such as ``AES_ENCRYPT(name, 'key')``."""
_ARGUMENT = (
    r"(?P<quote>['\"])(?!\*\*\*)(?:(?!(?P=quote))[\s\S]){1,400}(?:(?P=quote)|\Z)|['\"]\*\*\*['\"]|[();]"
)
"""A literal, or what can end the call."""
_MAX_CALL_CHARS = 4000
_LITERALS = (
    *("://", "@tcp(", "@unix(", "uthorization", "UTHORIZATION", "earer", "EARER", "eyJ", "AKIA"),
    *("ASIA", "AIza", "ass", "ASS", "pwd", "PWD", "Pwd", "key", "Key"),
    *("KEY", "ecret", "ECRET", "oken", "OKEN", "dentified", "DENTIFIED", "sk_live_", "sk-"),
    *(
        "gh",
        "xox",
        "glpat-",
        "e2b_",
        "hf_",
        "dapi",
        "sig=",
        "ignature",
        "Credential=",
        "PRIVATE KEY",
        "github_pat_",
    ),
    *("ncrypt", "NCRYPT", "ecrypt", "ECRYPT", "crypt(", "CRYPT(", "hmac(", "HMAC("),
    *("auth=", "Auth=", "hmac=", "jwt=", "SIG="),
)
"""Every match of a pattern contains one of these; most texts contain none."""


def mask_by_pattern(text: str) -> str:
    """Return ``text`` with everything masked that looks like a secret: passwords in URLs, tokens, cloud keys."""
    if not any(literal in text for literal in _LITERALS):
        return text
    for pattern, replacement in _compiled():
        text = pattern.sub(replacement, text)
    return _mask_cipher_calls(text)


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


def mask_texts(texts: Sequence[Any]) -> list[Any]:
    """Return ``texts`` with what looks like a secret masked in each; values that are not text stay.

    Faster for many texts than ``mask_by_pattern`` for each: all of them are searched at once, as lines.
    """
    joined = "\n".join(text for text in texts if isinstance(text, str))
    if mask_by_pattern(joined) == joined:
        return list(texts)
    return [mask_by_pattern(text) if isinstance(text, str) else text for text in texts]


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compile the patterns on first use: most runs contain no secret."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in _PATTERNS)


@cache
def _compiled_calls() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(_CIPHER_CALL), re.compile(_ARGUMENT)


def mask_by_key(value: Any) -> Any:
    """Return a JSON value with the values of secret keys masked, and patterns masked in all text."""
    if isinstance(value, Mapping):
        return {
            key: MASK
            if is_secret_key(str(key)) and item not in (None, "") and not _is_reference(item)
            else mask_by_key(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_by_key(item) for item in value]
    return mask_by_pattern(value) if isinstance(value, str) else value


def _is_reference(value: Any) -> bool:
    """Return True for ``${VAR}``, which names a secret but does not contain it."""
    return isinstance(value, str) and re.fullmatch(r"\$\{[A-Za-z_]\w*\}", value) is not None
