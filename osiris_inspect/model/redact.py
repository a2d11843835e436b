"""What is a secret, and its mask. Used when writing and when showing.

A secret whose value is known is masked wherever it stands, also base64- (at its three shifts), JSON-, URL- and
shell-escaped. In foreign logs the value is not known: there the places where secrets stand give them away.
"""

import base64
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST_SECRET = 4
"""A shorter value would mask half of a log; it is left as it is where it stands alone in text."""

_SECRET_KEY = re.compile(
    r"(?:^|[_\-.])(?:pass|passwd|password|pwd|secret|token|api_?key|apikey|private_key|service_role_key|"
    r"anon_key|access_key|credentials?|dsn|pg_dsn|sql_url|authorization)\Z|^key\Z",
    re.IGNORECASE,
)
# every repetition is bounded, so that a line of megabytes costs time in its length and not in its square
_PATTERNS = (
    # scheme://user:password@host; the password ends at the last @ before the host
    (
        re.compile(
            r"([a-z][a-z0-9+.\-]{0,40}://[^\s:/@'\"]{0,200}):[^\s'\"]{1,400}@(?=[\w.\-\[])", re.IGNORECASE
        ),
        r"\1:***@",
    ),
    (re.compile(r"(\w{1,64}):[^\s:@'\"]{1,200}@(tcp|unix)\("), r"\1:***@\2("),
    (
        re.compile(r"(Authorization['\"]?\s*[:=]\s*['\"]?(?:Bearer|Basic)?\s*)[^\s'\",}]+", re.IGNORECASE),
        r"\1***",
    ),
    (re.compile(r"(Bearer\s+)[A-Za-z0-9._~+/\-]{8,}=*", re.IGNORECASE), r"\1***"),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{4,2000}\.[A-Za-z0-9_\-]*"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (
        re.compile(
            r"\b(?:sb_secret_|sk_live_|ghp_|gho_|ghs_|github_pat_|xox[abpr]-|glpat-|e2b_)[A-Za-z0-9_\-]{8,}"
        ),
        MASK,
    ),
    (
        re.compile(
            r"((?:password|passwd|pwd|api_?key|secret|access_token)['\"]?\s*[:=]\s*)(['\"])(?!\*\*\*)[^'\"]{1,400}\2",
            re.IGNORECASE,
        ),
        r"\1\2***\2",
    ),
    (re.compile(r"((?:password|passwd|pwd)=)(?!\*\*\*)[^\s&;'\",]{1,400}", re.IGNORECASE), r"\1***"),
)
_LITERALS = (
    "://",
    "@tcp(",
    "@unix(",
    "uthorization",
    "earer",
    "eyJ",
    "AKIA",
    "ASIA",
    "assw",
    "ASSW",
    "pwd",
    "PWD",
    "key",
    "KEY",
    "secret",
    "SECRET",
    "oken",
    "OKEN",
    "sk_live_",
    "gh",
    "xox",
    "glpat-",
    "e2b_",
)


def is_secret_key(name: str) -> bool:
    """Whether a configuration key of that name holds a secret; ``primary_key`` does not."""
    return _SECRET_KEY.search(name) is not None


def mask_patterns(text: str) -> str:
    """``text`` with what looks like a secret masked: passwords in URLs, tokens, keys of clouds."""
    if not any(literal in text for literal in _LITERALS):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def mask_keys(value: Any) -> Any:
    """A JSON value with each secret key's value masked, and patterns masked in all text."""
    if isinstance(value, Mapping):
        return {
            key: MASK
            if is_secret_key(str(key)) and item not in (None, "") and not _is_reference(item)
            else mask_keys(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_keys(item) for item in value]
    return mask_patterns(value) if isinstance(value, str) else value


def _is_reference(value: Any) -> bool:
    """``${VAR}`` names a secret and is none."""
    return isinstance(value, str) and re.fullmatch(r"\$\{[A-Za-z_]\w*\}", value) is not None


class Redactor:
    """Masks known secrets by value in every form they travel in.

    Built once for a run and handed to whoever writes. Without secrets it changes nothing by value.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """``text`` with every known secret masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """A JSON value with every known secret masked, in keys too; its shape stays."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _forms(secret: str) -> set[str]:
    in_json = json.dumps(secret)[1:-1]
    forms = {
        secret,
        in_json,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(in_json)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        shlex.quote(secret),
        secret.encode().hex(),
    }
    forms |= _base64_forms(secret.encode())
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def _base64_forms(secret: bytes) -> set[str]:
    """The part of the base64 text that is the same whatever stands around the secret, at each of three shifts."""
    forms = set()
    for shift in range(3):
        padded = b"\0" * shift + secret
        text = base64.b64encode(padded).decode()
        start = 0 if shift == 0 else shift + 1
        whole = len(padded) * 8 // 6
        core = text[start:whole]
        forms |= {core, core.replace("+", "-").replace("/", "_")}
    forms.add(base64.b64encode(secret).decode())
    return {form for form in forms if len(form) >= 6}
