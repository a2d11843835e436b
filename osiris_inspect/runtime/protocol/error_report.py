"""Errors as JSON values for messages and events. Nothing in this module raises."""

import errno
import math
import os
import re
import traceback
from collections.abc import Iterator, Mapping, Set
from itertools import islice
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model.error_info import ErrorInfo, Place
from osiris_inspect.model.errors import OsirisError, log_name
from osiris_inspect.runtime.files.memory_limit import current_limit
from osiris_inspect.runtime.protocol.messages import safe_repr

_MAX_CAUSES: Final = 10
"""A chain of causes may be a cycle."""
_MAX_GROUP_MEMBERS: Final = 3
"""Exceptions of a group that its message repeats."""
_MAX_FACTS: Final = 30
_MAX_ITEMS: Final = 20
_MAX_DEPTH: Final = 3
_MAX_FACT_CHARS: Final = 1000
_MAX_MESSAGE_CHARS: Final = 10_000
_KIND: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,9}")

_CLASS_KINDS: Final = {
    "KeyboardInterrupt": "interrupted",
    "SystemExit": "driver-exited",
    "MemoryError": "out-of-memory",
    "OutOfMemoryException": "out-of-memory",  # of DuckDB
    # the errno of these is not one of the system
    "gaierror": "host-not-found",
    "SSLEOFError": "connection-lost",
    "SSLZeroReturnError": "connection-lost",
    "SSLError": "tls-failed",
    # without an errno if a library raises them
    "FileNotFoundError": "file-missing",
    "PermissionError": "permission-denied",
    "IsADirectoryError": "path-is-directory",
    "ConnectionRefusedError": "connection-refused",
    "ConnectionResetError": "connection-lost",
    "ConnectionAbortedError": "connection-lost",
}
"""Kinds by the name of a class or of a base class, the most specific first."""
_ERRNO_KINDS: Final = {
    "disk-full": ("ENOSPC", "EDQUOT"),
    "permission-denied": ("EACCES", "EPERM"),
    "file-missing": ("ENOENT",),
    "too-many-open-files": ("EMFILE", "ENFILE"),
    "out-of-memory": ("ENOMEM",),
    "path-is-directory": ("EISDIR",),
    "path-not-writable": ("EROFS",),
    "connection-refused": ("ECONNREFUSED",),
    "connection-lost": ("ECONNRESET", "ECONNABORTED"),
    "connection-failed": ("EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN"),
    "network-timeout": ("ETIMEDOUT",),
}
_KIND_OF_ERRNO: Final = {name: kind for kind, names in _ERRNO_KINDS.items() for name in names}

_PACKAGE: Final = str(Path(__file__).parents[2]) + os.sep
_WORKER: Final = _PACKAGE + os.path.join("runtime", "worker") + os.sep  # noqa: PTH118  a prefix, not a path
_STANDARD_LIBRARY: Final = str(Path(os.__file__).parent) + os.sep
_INSTALLED: Final = re.compile(r"[/\\](?:site|dist)-packages[/\\]([^/\\]{1,200})")


def error_to_dict(error: BaseException) -> dict[str, Any]:
    """Return the type, message, chain of causes, traceback and ``error_info`` of an error."""
    causes = [
        {"type": log_name(cause), "message": _message(cause)} for cause in islice(_chain(error), 1, None)
    ]
    return {
        "type": log_name(error),
        "message": _message(error),
        "causes": causes,
        "traceback": _traceback(error),
        "error_info": build_error_info(error).to_dict(),
    }


def build_error_info(error: BaseException) -> ErrorInfo:
    """Return the parts of an error. Its facts are JSON values; texts have their full length.

    Mask secrets in it before calling ``shorten_error_info``: half a secret is not recognized.
    """
    try:
        kind = _any_kind(error)
        return ErrorInfo(
            kind=kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "driver-raised",
            message=_own_message(error),
            fix=_fix(error),
            facts=_facts(error),
            type=log_name(error),
            chain=tuple(map(_qualified_name, _chain(error))),
            place=_place(error),
        )
    except Exception:  # noqa: BLE001  the properties of a driver's error class can raise anything
        return ErrorInfo("driver-raised", _message(error), type=log_name(error))


def shorten_error_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``ErrorInfo.to_dict`` with long texts shortened; call it after masking."""
    facts = info.get("facts")
    return {
        **{key: _shorten(value, _MAX_FACT_CHARS) for key, value in info.items()},
        "message": _shorten(info.get("message"), _MAX_MESSAGE_CHARS),
        "facts": _shorten(facts, _MAX_FACT_CHARS) if isinstance(facts, Mapping) else {},
    }


def _shorten(value: Any, max_chars: int) -> Any:
    if isinstance(value, str):
        rest = len(value) - max_chars
        if rest > 0:
            value = f"{value[: max_chars - 40]}… ({rest + 40:,} characters more)"
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_shorten(str(key), 100): _shorten(item, max_chars) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(item, max_chars) for item in value]
    return value


# --- chain and texts


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, from outside in; each once, and at most ``_MAX_CAUSES`` causes.

    The exceptions of a group, each with its causes, follow the group.
    """
    seen: list[int] = []
    pending = [error]
    while pending and len(seen) <= _MAX_CAUSES:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.append(id(current))
        yield current
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        pending += [cause] if cause is not None else []
        pending += reversed(_group_members(current))


def _group_members(error: BaseException) -> tuple[BaseException, ...]:
    """Return the first exceptions of a group; none for other errors."""
    return error.exceptions[:_MAX_CAUSES] if isinstance(error, BaseExceptionGroup) else ()


def _qualified_name(error: BaseException) -> str:
    """Return the name of an error's class as a traceback prints it."""
    module, name = type(error).__module__, type(error).__qualname__
    return name if module in ("builtins", "__main__") else f"{module}.{name}"


def _message(error: BaseException) -> str:
    try:
        if isinstance(error, SystemExit):
            return f"the driver called sys.exit({safe_repr(error.code)})"
        usage = f"; {current_limit().usage_text()}" if isinstance(error, MemoryError) else ""
        return f"{str(error) or type(error).__name__}{usage}{_members_text(error)}"
    except Exception as second:  # noqa: BLE001  methods of a driver's error class can raise anything
        return f"{type(error).__name__}, whose __str__ raises {type(second).__name__}"


def _members_text(error: BaseException) -> str:
    """Return the first exceptions of a group as text, without groups in it."""
    if not isinstance(error, BaseExceptionGroup):
        return ""
    leaves = list(islice(_leaves(error), _MAX_GROUP_MEMBERS + 1))
    texts = [f"{log_name(leaf)}: {_message(leaf)}" for leaf in leaves[:_MAX_GROUP_MEMBERS]]
    return f": {'; '.join(texts)}{'; …' if len(leaves) > _MAX_GROUP_MEMBERS else ''}"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group and of the groups in it; the error itself if it is not a group."""
    pending = [error]
    while pending:
        current = pending.pop()
        if isinstance(current, BaseExceptionGroup):
            pending += reversed(current.exceptions)
        else:
            yield current


def _own_message(error: BaseException) -> str:
    """Return the message without the remedy."""
    message = getattr(error, "message", None) if isinstance(error, OsirisError) else None
    return message if isinstance(message, str) and message else _message(error)


def _fix(error: BaseException) -> str | None:
    if isinstance(error, MemoryError):
        return f"{current_limit().fix}, or process less data at once"
    if isinstance(error, SystemExit):
        return "raise an exception in the driver instead of calling sys.exit"
    fix = getattr(error, "fix", None) if isinstance(error, OsirisError) else None
    return fix if isinstance(fix, str) and fix else None


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001  __str__ of a driver's error class can raise anything
        return "".join(traceback.format_tb(error.__traceback__)) + _message(error)


# --- kind and facts


def kind_of(error: OSError, otherwise: str) -> str:
    """Return the kind of a system error: ``disk-full``, ``permission-denied`` and others."""
    kind = _kind(error)
    return otherwise if kind == "driver-raised" else kind


def os_error_facts(error: OSError) -> dict[str, Any]:
    """Return the name of a system error's number and its path, if it has them."""
    facts = {"errno": _errno_name(error), "path": error.filename}
    return {name: value for name, value in facts.items() if value is not None}


def _any_kind(error: BaseException) -> str:
    return error.kind if isinstance(error, OsirisError) else _kind(error)


def _kind(error: BaseException) -> str:
    """Return the kind of an error that is not one of ours."""
    if isinstance(error, BaseExceptionGroup):
        kinds = {_any_kind(leaf) for leaf in islice(_leaves(error), _MAX_CAUSES)}
        return kinds.pop() if len(kinds) == 1 else "driver-raised"
    names = [type_.__name__ for type_ in type(error).__mro__]
    if "gaierror" not in names and "SSLError" not in names and (code := _errno_name(error)) is not None:
        return _KIND_OF_ERRNO.get(code, "driver-raised")
    return next((_CLASS_KINDS[name] for name in names if name in _CLASS_KINDS), "driver-raised")


def _errno_name(error: BaseException) -> str | None:
    """Return the name of a system error's number, such as ``ENOENT``; None without one."""
    return errno.errorcode.get(error.errno) if isinstance(error, OSError) and error.errno else None


def _facts(error: BaseException) -> dict[str, Any]:
    facts: Mapping[Any, Any] = {}
    if isinstance(error, OsirisError):
        own = getattr(error, "facts", None)
        facts = own if isinstance(own, Mapping) else {}
    elif isinstance(error, SystemExit):
        facts = {"code": error.code}
    elif isinstance(error, OSError):
        facts = os_error_facts(error)
    elif isinstance(error, MemoryError):
        facts = current_limit().facts()
    items = islice(facts.items(), _MAX_FACTS)
    return {str(key): _json_value(value) for key, value in items if value is not None}


def _json_value(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with a limited number of items."""
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        return {str(key): _json_value(item, depth + 1) for key, item in islice(value.items(), _MAX_ITEMS)}
    if depth < _MAX_DEPTH and isinstance(value, list | tuple | Set):
        return [_json_value(item, depth + 1) for item in islice(value, _MAX_ITEMS)]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value) if abs(int(value)) < 1 << 63 else safe_repr(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, os.PathLike | bytes):
        return os.fsdecode(value)
    return str(value) if type(value).__module__ in ("datetime", "decimal", "uuid") else safe_repr(value)


# --- place


def _place(error: BaseException) -> Place | None:
    """Return where an error, or else its cause, was raised outside of installed packages."""
    if isinstance(error, BaseExceptionGroup):
        members = (_place(member) for member in _group_members(error))
        return next((place for place in members if place is not None), None) or _own_place(error)
    return next((place for place in map(_own_place, _chain(error)) if place is not None), None)


def _own_place(error: BaseException) -> Place | None:
    if isinstance(error, SyntaxError) and error.filename and _is_user_code(error.filename):
        return Place(error.filename, error.lineno or 1, "<module>")
    frames = [
        Place(frame.f_code.co_filename, line, frame.f_code.co_qualname)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    own = [place for place in frames if _is_user_code(place.file)] or _frames_of_installed_driver(frames)
    return own[-1] if own else None


def _is_user_code(file: str) -> bool:
    return not file.startswith(("<", _PACKAGE, _STANDARD_LIBRARY)) and _INSTALLED.search(file) is None


def _frames_of_installed_driver(frames: list[Place]) -> list[Place]:
    """Return the frames of the installed package that the worker called: a driver of a third party."""
    ours = [position for position, place in enumerate(frames) if place.file.startswith(_PACKAGE)]
    called = frames[ours[-1] + 1 :] if ours and frames[ours[-1]].file.startswith(_WORKER) else []
    package = _INSTALLED.search(called[0].file) if called else None
    return [place for place in called if package and place.file.startswith(package[0], package.start())]
