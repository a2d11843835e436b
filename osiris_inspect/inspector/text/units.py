"""Formatters of counts, bytes, durations and times."""

from datetime import UTC, datetime

UNKNOWN = "-"
"""Shown for a value that is not known."""


def format_int(number: int | None) -> str:
    """Return ``12,345``."""
    return UNKNOWN if number is None else f"{number:,}"


def format_rows(number: int | None) -> str:
    """Return ``14 rows``."""
    return UNKNOWN if number is None else pluralize(number, "row")


def pluralize(number: int, noun: str) -> str:
    """Return ``1 step``, ``2 steps``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_duration(seconds: float | None, unknown: str = UNKNOWN) -> str:
    """Return ``12 ms``, ``4.2 s``, ``3 min 05 s``, ``2 h 03 min``."""
    if seconds is None:
        return unknown
    if seconds < 0.9995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def format_bytes(number: int | None) -> str:
    """Return ``801 B``, ``4.1 kB``; units are powers of 1,000."""
    if number is None:
        return UNKNOWN
    if number < 1000:
        return f"{number} B"
    amount = number / 1000
    for unit in ("kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def time_of_day(seconds: float | None) -> str:
    """Return ``04:22:41.123``, UTC."""
    moment = _utc(seconds)
    return UNKNOWN if moment is None else moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03}"


def format_elapsed(seconds: float | None) -> str:
    """Return the time since a start: ``+0.137``, ``+1:02:05``."""
    if seconds is None:
        return UNKNOWN
    if abs(seconds) < 1000:
        return f"{seconds:+.3f}"
    minutes, rest = divmod(int(abs(seconds)), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes // 60}:{minutes % 60:02}:{rest:02}"


def day_and_time(seconds: float | None) -> str:
    """Return ``2026-11-22 04:22``, UTC."""
    moment = _utc(seconds)
    return UNKNOWN if moment is None else moment.strftime("%Y-%m-%d %H:%M")


def _utc(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None  # a log may contain any number as a time
