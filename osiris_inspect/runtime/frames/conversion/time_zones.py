"""Conversion of time zones to JSON and back, by name or offset.

Keeps their class: zoneinfo, pytz, dateutil or datetime.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo


def to_json(zone: tzinfo) -> dict[str, Any] | None:
    """Return the JSON of ``zone``; None if its class is not supported."""
    if isinstance(zone, ZoneInfo):
        return {"zone": zone.key} if zone.key else None
    if isinstance(zone, timezone):
        return {"offset": zone.utcoffset(None).total_seconds()}
    module = type(zone).__module__.partition(".")[0]
    if module == "pytz":
        return _pytz_json(zone)
    if module == "dateutil":
        return _dateutil_json(zone)
    return None


def from_json(value: dict[str, Any]) -> tzinfo:
    """Return the zone that ``to_json`` wrote.

    If its library is not installed, returns the zoneinfo zone with the same name and times.
    """
    if "offset" in value:
        offset = timedelta(seconds=value["offset"])
        return UTC if not offset else timezone(offset)
    try:
        if value.get("kind") == "pytz":
            import pytz  # type: ignore[import-untyped]  # it ships no types

            pytz_zone: tzinfo = pytz.timezone(value["zone"])
            return pytz_zone
        if value.get("kind") == "dateutil":
            from dateutil import tz  # type: ignore[import-untyped]  # it ships no types

            dateutil_zone: tzinfo | None = tz.UTC if value["zone"] == "UTC" else tz.gettz(value["zone"])
            return dateutil_zone or ZoneInfo(value["zone"])
    except ImportError:
        pass  # fall back to zoneinfo
    return UTC if value["zone"] == "UTC" and "kind" in value else ZoneInfo(value["zone"])


def localize(local_time: datetime, zone: dict[str, Any], offset: timedelta) -> datetime:
    """Return the moment at which clocks in ``zone``, ``offset`` ahead of UTC, showed ``local_time``."""
    tz = from_json(zone)
    if zone.get("kind") == "pytz":  # pytz has one object per offset and selects it itself
        return (local_time - offset).replace(tzinfo=UTC, fold=0).astimezone(tz)
    return local_time.replace(tzinfo=tz)


def zone_name(zone: tzinfo | None) -> str:
    """Return a standard name of the zone; UTC if it has none (the moments are the same)."""
    value = to_json(zone) if zone is not None else None
    return str(value["zone"]) if value and "zone" in value else "UTC"


def _pytz_json(zone: Any) -> dict[str, Any] | None:
    if getattr(zone, "zone", None):
        return {"kind": "pytz", "zone": zone.zone}
    minutes = getattr(zone, "_minutes", None)  # pytz.FixedOffset has no name and no public number
    return None if minutes is None else {"offset": minutes * 60.0}


def _dateutil_json(zone: Any) -> dict[str, Any] | None:
    if type(zone).__name__ == "tzutc":
        return {"kind": "dateutil", "zone": "UTC"}
    file = str(getattr(zone, "_filename", "") or "")  # dateutil has no other record of the name
    _, separator, key = file.rpartition("zoneinfo/")
    return {"kind": "dateutil", "zone": key} if separator else None
