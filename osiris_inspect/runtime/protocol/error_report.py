"""Errors as JSON values for messages. Nothing in this module raises."""

import traceback
from typing import Any, Final

from osiris_inspect.model.errors import OsirisError, log_name

_MAX_CAUSES: Final = 10
"""A chain of causes may be a cycle."""


def error_to_dict(error: BaseException) -> dict[str, Any]:
    """Return the type, message, chain of causes and traceback of an error."""
    causes: list[dict[str, str]] = []
    cause = _cause(error)
    while cause is not None and len(causes) < _MAX_CAUSES:
        causes.append({"type": log_name(cause), "message": _message(cause)})
        cause = _cause(cause)
    return {
        "type": log_name(error),
        "message": _message(error),
        "causes": causes,
        "traceback": _traceback(error),
    }


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the driver called sys.exit({error.code!r})"
    if isinstance(error, OsirisError):
        return str(error)
    try:
        return str(error) or type(error).__name__
    except Exception as second:  # noqa: BLE001  __str__ of a driver's error class can raise anything
        return f"{type(error).__name__}, whose __str__ raises {type(second).__name__}"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001  __str__ of a driver's error class can raise anything
        return "".join(traceback.format_tb(error.__traceback__)) + _message(error)
