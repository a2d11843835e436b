"""A time zone as JSON, and back: by name or by offset, of the kind it was (zoneinfo, pytz, dateutil, datetime)."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo


def to_json(zone: tzinfo) -> dict[str, Any] | None:
    """What names ``zone``; None for a class of zones we do not know."""
    if isinstance(zone, ZoneInfo):
        return {"zone": zone.key} if zone.key else None
    if isinstance(zone, timezone):
        return {"offset": zone.utcoffset(None).total_seconds()}
    module = type(zone).__module__.partition(".")[0]
    if module == "pytz":
        return _of_pytz(zone)
    if module == "dateutil":
        return _of_dateutil(zone)
    return None


def from_json(value: dict[str, Any]) -> tzinfo:
    """The zone that was named.

    Where the library it came from is not installed, zoneinfo gives a zone of the same name and the same times.
    """
    if "offset" in value:
        offset = timedelta(seconds=value["offset"])
        return UTC if not offset else timezone(offset)
    try:
        if value.get("kind") == "pytz":
            return _to_pytz(value)
        if value.get("kind") == "dateutil":
            return _to_dateutil(value)
    except ImportError:
        pass  # the line below gives the same times
    return UTC if value["zone"] == "UTC" and "kind" in value else ZoneInfo(value["zone"])


def localize(local_time: datetime, zone: dict[str, Any], offset: timedelta) -> datetime:
    """The moment which clocks in ``zone`` showed as ``wall``, when they were ``offset`` ahead of UTC."""
    tz = from_json(zone)
    if zone.get("kind") == "pytz":  # a pytz zone is another object for each offset, and picks it itself
        return (local_time - offset).replace(tzinfo=UTC, fold=0).astimezone(tz)
    return local_time.replace(tzinfo=tz)


def zone_name(zone: tzinfo | None) -> str:
    """A name that other programs know for the zone; UTC where it has none (the moments are the same)."""
    value = to_json(zone) if zone is not None else None
    return str(value["zone"]) if value and "zone" in value else "UTC"


def _of_pytz(zone: Any) -> dict[str, Any] | None:
    if getattr(zone, "zone", None):
        return {"kind": "pytz", "zone": zone.zone}
    minutes = getattr(zone, "_minutes", None)  # pytz.FixedOffset has no name and no public number
    return None if minutes is None else {"offset": minutes * 60.0}


def _of_dateutil(zone: Any) -> dict[str, Any] | None:
    if type(zone).__name__ == "tzutc":
        return {"kind": "dateutil", "zone": "UTC"}
    file = str(getattr(zone, "_filename", "") or "")  # dateutil keeps the name of a zone nowhere else
    _, found, key = file.rpartition("zoneinfo/")
    return {"kind": "dateutil", "zone": key} if found else None


def _to_pytz(value: dict[str, Any]) -> tzinfo:
    import pytz  # type: ignore[import-untyped]  # it ships no types, and its zones are named as tzinfo here

    zone: tzinfo = pytz.timezone(value["zone"])
    return zone


def _to_dateutil(value: dict[str, Any]) -> tzinfo:
    from dateutil import tz  # type: ignore[import-untyped]  # the same

    zone: tzinfo | None = tz.UTC if value["zone"] == "UTC" else tz.gettz(value["zone"])
    return zone or ZoneInfo(value["zone"])
