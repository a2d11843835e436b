"""Masking of secrets whose values are unknown, as in foreign logs: by the name of a key and by patterns."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from osiris_inspect.model.redaction.secret_keys import is_secret_key

MASK = "***"

_LIKELY = r"(?!\*\*\*)(?=[^\s&;,'\"]{0,80}\d)(?=[^\s&;,'\"]{0,80}[A-Za-z])[^\s&;,'\"\\$(){}<>]{6,400}"
"""An unquoted value with letters and digits, so that ``password: YES`` and prose are not masked."""
_MIXED = r"(?=[A-Za-z_\-]{0,60}\d)[A-Za-z0-9_\-]"
_PREFIXES = (
    r"sb_secret_|[sr]k_(?:live|test)_|whsec_|github_pat_|xox[abeoprs]-|xapp-|gl(?:pat|dt|rt|ptt|soat)-|do[opr]_v1_"
    r"|shp(?:at|ca|pa|ss)_|dckr_pat_|lin_api_|glsa_|figd_|hv[bs]\.|GOCSPX-|PMAK-|sntrys_|pscale_(?:tkn|pw)_|ATATT3"
    r"|pat-(?:na|eu)\d-|ya29\."
)
"""Prefixes of the tokens of well-known services."""
_PARAMETER = (
    r"(?:[?&#]|\\u0026|&amp;)(?!(?:foreign|group|partition|primary|sort)[_\-]?key=)"
    r"(?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|authorization|authkey|auth|hmac|jwt"
    r"|passphrase|password|passwd|pass|pwd|signature|sig|(?:[a-z]{1,20}[_\-])?(?:access|api|auth|client)?[_\-]?(?:key|secret|token))"
)
"""The name of a parameter in a URL whose value is a secret, also where ``&`` is escaped."""
_NO_PLACEHOLDER = r"(?!\*\*\*|[{<]|\$\{|%[s(])"
_NO_PORT = r"(?!\d{1,5}(?:[/,?#'\"]|\s|\Z))"
_PATTERNS = (
    # scheme://user:password@host; the password ends at the last @ before the host
    (
        rf"(?i)([a-z][a-z0-9+.\-]{{0,40}}://[^\s:/@'\"\[]{{0,200}}):{_NO_PORT}[^\s\"]{{1,400}}@(?!sha256:)(?=[\w.\-\[])",
        r"\1:***@",
    ),
    (r"(?i)(https?://)(?=[^\s:/@'\"]{0,400}\d)[^\s:/@'\"]{8,400}@(?=[\w.\-\[])", r"\1***@"),
    (r"\b([A-Za-z_]\w{0,63}):(?!pass(?:word)?@)[^\s:@'\"]{3,200}@(tcp|unix)\(", r"\1:***@\2("),
    (
        r"(?i)(Authorization\\{0,8}['\"]?\s{0,9}[:=,]\s{0,9}(?:b(?=\\{0,8}['\"]))?\\{0,8}['\"]?(?:(?:Bearer|Basic|Token|ApiKey)\s{1,9})?+)"
        r"(?!\*\*\*)(?=[^\s'\",}\\]{0,200}(?:[\d=]|(?-i:[a-z][A-Z])))[^\s'\",}\\<${]{1,4000}",
        r"\1***",
    ),
    (
        r"(?i)(\b(?:set-)?cookie\\{0,8}['\"]?\s{0,9}[:=,]\s{0,9}(?:b(?=\\{0,8}['\"]))?\\{0,8}['\"]?)(?!\*\*\*)[^\s=;'\"]{1,80}=[^\r\n'\"\\]{1,4000}",
        r"\1***",
    ),
    (r"(B(?:earer|EARER)\s{1,9})(?=[A-Za-z._~+/\-]{0,80}\d)[A-Za-z0-9._~+/\-]{8,4000}={0,2}", r"\1***"),
    (r"(bearer\s{1,9})(?=[A-Za-z]{0,80}\d{1,20}[A-Za-z._\-])[A-Za-z0-9._~+/\-]{8,4000}={0,2}", r"\1***"),
    (r"\beyJ[A-Za-z0-9_\-]{8,2000}\.[A-Za-z0-9_\-]{4,2000}\.[A-Za-z0-9_\-]*", MASK),
    (r"\b(?:AKIA|ASIA(?=[A-Z]{0,15}[2-7]))[A-Z2-7]{16}\b", MASK),
    (r"\bAIza[A-Za-z0-9_\-]{35}", MASK),
    (
        rf"\b(?:{_PREFIXES}){_MIXED}{{10,400}}|\be2b_(?=[A-Za-z]{{0,40}}\d)[A-Za-z0-9]{{12,400}}"
        r"|\b(?:gh[pousr]_|npm_|pypi-|rubygems_|r8_|nfp_)(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{16,400}",
        MASK,
    ),
    (
        r"\b(?:sk-(?=[A-Za-z_\-]{0,60}\d)[A-Za-z0-9_\-]{20,400}|hf_[A-Za-z0-9]{30,100}|dapi(?!0123456789abcdef)[0-9a-f]{32}|SG\.[\w\-]{16,40}\.[\w\-]{20,80})",
        MASK,
    ),
    (r"(hooks\.slack\.com/(?:services|workflows|triggers)/)(?!\*\*\*)[\w/]{10,400}", r"\1***"),
    (
        r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(?!\*\*\*)(?:(?!-----END)[\s\S]){1,20000}",
        r"\1***",
    ),
    (r"(?i)(\bidentified\s{1,9}by\s{1,9})(['\"`])(?!\*\*\*)(?:(?!\2)[^\n]){1,400}\2", r"\1\2***\2"),
    (r"(?i)(\bpassword\s{1,9})'(?!\*\*\*)[^']{1,400}'", r"\1'***'"),
    (
        rf"(?i)(--[\w\-]{{0,40}}(?:password|passwd|passphrase|pwd|secret|token|key)\s{{1,9}}){_LIKELY}",
        r"\1***",
    ),
    (
        rf"(?i)(\b(?:password|passwd|passphrase|pwd)\s(?:for\s\S{{1,80}}\s)?(?:is\s|was\s)?)"
        rf"(?!scram|sha-?\d|md5|argon|bcrypt|pbkdf|base64|utf-?\d|[a-z]{{1,20}}_"
        rf"|(?:field|column|col|arg|param|line|row|attempt|option|user|file|version|v|step|item)\d){_LIKELY}",
        r"\1***",
    ),
    (
        rf"(?i)(?<!unexpected )(?<!unknown )(?<!next )(?<!near )(\b(?:token|secret|(?:api|access|secret|private)[ _\-]?key)\s(?:is\s|was\s)?)"
        rf"(?=[^\s&;,'\"]{{0,80}}\d[A-Za-z]){_LIKELY}",
        r"\1***",
    ),
    (r"(?i)(\bencryption_key\s{1,9})'(?!\*\*\*)[^']{1,400}'", r"\1'***'"),
    (rf"(?i)({_PARAMETER}=){_NO_PLACEHOLDER}(?!\d{{1,5}}(?:\W|\Z))[^\s&;#'\",<>()\\]{{4,4000}}", r"\1***"),
    (r"(?i)(\bSignature=|\bresponse=\")[0-9a-f]{32,400}", r"\1***"),
    (r"(?<![\w\-])(-p)(?=[A-Za-z]{0,40}\d)(?=\d{0,40}[A-Za-z])[^\s'\"./=]{6,100}(?=\s|\Z)", r"\1***"),
    (
        r"(?i)(\b(?:sqlplus|sqlldr|expdp|impdp|rman)\s{1,9}[\w$#]{1,30}/)(?!\*\*\*)[^\s/@'\"]{1,100}(?=@)",
        r"\1***",
    ),
)
"""Patterns of secrets and their replacements. Every repetition is bounded, so that the time is linear in the text."""
_PAIR = (
    r"(?i)(?:pass(?:word|wd|phrase|code|key)?|pwd|pw|secret|token|key|jwt|creds|connection_?string)\d{0,2}"
    r"(?P<separator>\\{0,8}['\"]?\s{0,9}(?:=>|[:=])\s{0,9})"
    r"(?:b?(?P<quote>\\{0,8}['\"])(?P<quoted>(?:(?!(?P=quote))[^\n]){1,400})(?:(?P=quote)|\Z|(?=\n))|(?P<bare>[^\s&;,'\"]{1,400}))"
)
"""The end of a name that may be one of a secret, and its value; the beginning of the name is read backwards."""
_NAME_BEFORE = r"[A-Za-z][\w.\-]{0,63}\Z"
_LIKELY_BARE = r"[^\\$(){}<>\[\]]{6,400}"
_PASSWORDS = ("pass", "word", "passwd", "phrase", "code", "pwd", "pw")
"""Ends of the names of passwords, which may be any text; keys and tokens have letters and digits."""
_PLACEHOLDER = (
    r"(?i)(?:false|n/?a|none|null|no|not|off|on|optional|redacted|required|str|string|text|true|unset|yes|x{3,}|\?"
    r"|\$\d{1,3}|(?:var|n?var|tiny|big|small)?(?:char|binary|int|text)\d?(?:\(.*)?|u?int\d{1,3}|float\d{0,2}|object|bool(?:ean)?|bytes|utf8"
    r"|large_string|category|date|double|decimal.*|timestamp.*|[:@]?(?:[a-z_]\w{0,40}\.)?(?:pass|password|passwd|pwd|secret|token)|[0-9]{1,3}|\.{3}"
    r"|[A-Z]:\\.*|(?:os|self|cfg|args|config|settings|kwargs|options|getenv|get_\w{1,40})[.\[(].*)\Z"
)
"""A value that is not a secret: a word, a number of up to five digits, a Windows path or code."""
_MIN_ACCOUNT_KEY = 16
_CREATE = (
    r"(?i)\bcreate\s{1,9}(?:or\s{1,9}replace\s{1,9})?(?:(?:persistent|temporary)\s{1,9})?secret\b[^;]{0,2000}"
)
_OPTION = r"(?i)(\b(?:\w{0,30}_)?(?:secret|key_id|key|token|password|string)\s{1,9})'(?!\*\*\*)[^']{1,400}'"
_ORACLE_HOST = r"@(?=[\w.\-]{1,100}:\d{1,5}/)"
_ORACLE_USER = r"(?<![\w/])[\w$#]{1,30}/([^\s/@'\"]{1,100})\Z"
_CIPHER_CALL = r"(?i)\b(?:\w{0,30}_)?(?:(?:en|de)crypt\w{0,30}|hmac|crypt)\("
"""The beginning of a call of a database's function with a key, such as ``AES_ENCRYPT(name, 'key')``."""
_ARGUMENT = (
    r"(?P<quote>['\"])(?!\*\*\*)(?:(?!(?P=quote))[\s\S]){1,400}(?:(?P=quote)|\Z)|['\"]\*\*\*['\"]|[();]"
)
"""A literal, or what can end the call."""
_MAX_CALL_CHARS = 4000
_LITERALS = (
    *(
        "://",
        "@tcp(",
        "@unix(",
        "authorization",
        "bearer",
        "cookie",
        "pass",
        "pwd",
        "pw=",
        "pw:",
        "pw'",
        'pw"',
        "pw ",
    ),
    *(
        "key",
        "secret",
        "token",
        "creds",
        "identified",
        "private key",
        "connection_string",
        "connectionstring",
        "jwt",
    ),
    *(
        "ncrypt",
        "ecrypt",
        "crypt(",
        "hmac",
        "sig=",
        "ignature",
        "credential=",
        "auth=",
        "response=",
        " -p",
        "\n-p",
    ),
    *(
        "sb_secret_",
        "k_live_",
        "k_test_",
        "sk-",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "xox",
        "xapp-",
    ),
    *(
        "glpat-",
        "gldt-",
        "glrt-",
        "glptt-",
        "glsoat-",
        "hf_",
        "dapi",
        "e2b_",
        "whsec_",
        "dop_v1",
        "doo_v1",
        "dor_v1",
    ),
    *(
        "shpat_",
        "shpca_",
        "shppa_",
        "shpss_",
        "npm_",
        "pypi-",
        "dckr_pat_",
        "lin_api_",
        "glsa_",
        "figd_",
        "hvs.",
        "hvb.",
    ),
    *("rubygems_", "sntrys_", "pscale_", "pat-na", "pat-eu", "r8_", "nfp_", "ya29.", "hooks.slack"),
    *("sqlplus", "sqlldr", "expdp", "impdp", "rman "),
)
_CASED_LITERALS = ("eyJ", "AKIA", "ASIA", "AIza", "SG.", "GOCSPX-", "PMAK-", "ATATT3")
"""Every match of a pattern contains one of these; most texts contain none. The first are compared in lower case."""


def mask_by_pattern(text: str) -> str:
    """Return ``text`` with everything masked that looks like a secret: passwords in URLs, tokens, cloud keys."""
    if "@" in text:
        text = _mask_before_host(text)
    if not _may_have_secret(text):
        return text
    for pattern, replacement in _compiled():
        text = pattern.sub(replacement, text)
    text = _mask_pairs(text)
    return _mask_cipher_calls(text)


def _may_have_secret(text: str) -> bool:
    lower = text.lower()
    for literal in _LITERALS:
        if literal in lower:
            return True
    for literal in _CASED_LITERALS:
        if literal in text:
            return True
    return lower.startswith("-p")


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
    if value.startswith((MASK, "<", "{", "${", "%s", "%(", "./", "../", "~/")):
        return False
    if _compiled_placeholder().match(value):
        return False
    if value.startswith("/") and not value.endswith("="):
        return False
    is_password = name.lower().rstrip("0123456789").endswith(_PASSWORDS)
    is_assigned = separator.strip("\\'\"") in ("=", "=>") or separator.strip() == "=>"
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
    if not has_both or is_prose or (is_token and separator == ": " and len(value) < 12):
        return False
    return re.fullmatch(_LIKELY_BARE, value) is not None


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
