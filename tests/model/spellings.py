"""The spellings in which texts carry a secret and from which it can be recognized."""

import base64
import html
import json
import re
import shlex
import textwrap
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

Spelling = Callable[[str], str]


def _twice(spelling: Spelling) -> Spelling:
    return lambda text: spelling(spelling(text))


def _colored(text: str) -> str:
    return f"{text[:3]}\x1b[31m{text[3:6]}\x1b[0m{text[6:]}"


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


SPELLINGS: Mapping[str, Spelling] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: re.sub("%..", _lower, quote(text, safe="")),
    "percent, all": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent twice": _twice(lambda text: quote(text, safe="")),
    "form": quote_plus,
    "encodeURIComponent": lambda text: quote(text, safe="-_.!~*'()"),
    "HTML": html.escape,
    "HTML, decimal": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "HTML, hex": lambda text: "".join(f"&#x{ord(sign):X};" for sign in text),
    "XML": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "SQL": lambda text: text.replace("'", "''"),
    "SQL, backslash": lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),
    "CSV": lambda text: text.replace('"', '""'),
    "bytes": lambda text: repr(text.encode()),
    "octal": lambda text: re.sub(
        r"[^\x00-\x7f]", lambda m: "".join(f"\\{b:03o}" for b in m[0].encode()), text
    ),
    "ascii": ascii,
    "repr": repr,
    "repr twice": _twice(repr),
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON, slash": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON, signs": lambda text: json.dumps(text).replace("<", "\\u003c").replace("&", "\\u0026"),
    "JSON twice": _twice(json.dumps),
    "JSON three times": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "code points": lambda text: re.sub("....", r"\\u\g<0>", text.encode("utf-16-be").hex()),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex, colons": lambda text: text.encode().hex(":"),
    "HEX, blanks": lambda text: text.encode().hex(" ").upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 after a user": lambda text: base64.b64encode(b"u:" + text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 50 + text.encode()).decode(),
    "shell": shlex.quote,
    "shell, backslash": lambda text: re.sub(r"([^\w@%+=:,./\-])", r"\\\1", text),
    "stripped": str.strip,
    "wrapped": lambda text: f"{text[:6]}\n{text[6:]}",
    "wrapped, indented": lambda text: f"{text[:6]}\n        {text[6:]}",
    "wrapped at blanks": lambda text: textwrap.fill(text, 8),
    "colored": _colored,
    "colored in JSON": lambda text: json.dumps(_colored(text)),
    "HTML of JSON": lambda text: html.escape(json.dumps(text)),
}
