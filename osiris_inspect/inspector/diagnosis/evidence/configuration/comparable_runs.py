"""Earlier runs that a step can be compared with: those with the same configuration and parameters.

Dates in configurations and parameters do not count: a daily run with a date is compared with that of the day before.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, frame_evidence
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun, Server
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import day_and_time
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Evidence

_DATE = LazyRegex(
    r"(?<!\d)(?:19|20)\d\d(?:([-_/.]?)(?:0[1-9]|1[0-2])(?:\1(?:0[1-9]|[12]\d|3[01]))?|-?W\d\d)"
    r"(?:[T _-]?[0-2]\d[-:_.h]?[0-5]\d(?:[-:_.m]?[0-5]\d)?)?(?!\d)"
    r"|(?<!\d)(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|1[0-2])\2(?:19|20)\d\d(?!\d)"
    r"|\b(?:year|month|day|hour|date|dt)=\d{1,8}\b"
    r"|(?<!\d)1\d{9}(?:\d{3})?(?!\d)"
)
"""A date, with or without a time; a part of a path such as ``month=1``; seconds or milliseconds since 1970."""
MIN_SCHEDULE_S = 3600
"""Runs that are less than this apart have no schedule that a repeated run would differ from."""
REPEATED = 0.25
"""Part of the usual time between runs within which a run is a repetition of the last one."""
REPEATED_FAILURE = 0.9
"""The same part for a run that failed: it is repeated when its cause is removed, perhaps hours later."""
_DAY_S = 24 * 3600
MIN_HOURLY_S = 600
MIN_DAILY_S, MAX_DAILY_S = 16 * 3600, 40 * 3600
_SATURDAY, _SUNDAY, _MONDAY = 5, 6, 0
_UNUSUAL_DAYS = frozenset({_SATURDAY, _SUNDAY, _MONDAY})
SAME_TIME_FACTOR = 2
WEEKEND_FACTOR = 3
"""How many times fewer or more rows are usual on the first day of a weekend."""
SECOND_DAY_FACTOR = 2.5
"""The same after a Saturday that was like the days before it, for it may have had the data of the Friday."""
MONTH_END_FACTOR = 3.5
NEW_HOUR_FACTOR = 10
MAX_FIRST_DAYS = 2
_OF_A_CONNECTION = ("resolved_connection", "_connection_alias", "_connection_family")


def without_dates(text: str) -> str:
    """Return a text with each date replaced by one word."""
    return _DATE.sub(lambda _: "<date>", text)


class ComparableRuns:
    """The earlier runs of one run that were started with the same parameters and the same profile.

    With ``with_failed`` also those that failed after a step had succeeded.
    """

    def __init__(self, run: Run, lineage: Lineage, *, with_failed: bool = False) -> None:
        self._lineage = lineage
        failed = run.failed_runs if with_failed else ()
        self._runs = [
            (earlier, {step.id for step in run.steps if _has_settings_of(earlier, step)})
            for earlier in sorted((*run.earlier_runs, *failed), key=lambda each: each.started, reverse=True)
            if has_same_parameters(run, earlier)
            and _profile(run.inputs.profile) == _profile(earlier.inputs.profile)
        ]

    def for_step(self, step: str) -> list[EarlierRun]:
        """Return the runs in which a step and the steps before it had the same settings, newest first."""
        steps = {step, *self._lineage.upstream(step)}
        return [
            earlier
            for earlier, same in self._runs
            if steps <= same and (earlier.completed is None or step in earlier.completed)
        ]

    def count_empty(self, step: str) -> tuple[int, int]:
        """Return in how many of the runs that ``for_step`` returns the step had 0 rows, and their number."""
        rows = [earlier.rows.get(step) for earlier in self.for_step(step)]
        return rows.count(0), len(rows)

    def with_other_settings(self, step: str) -> list[EarlierRun]:
        """Return the runs in which a step had other settings, and the steps before it the same, newest first."""
        upstream = set(self._lineage.upstream(step)) - {step}
        return [earlier for earlier, same in self._runs if step not in same and upstream <= same]


def _has_settings_of(earlier: EarlierRun, step: StepState) -> bool:
    """Return True if an earlier run does not record other settings of a step; dates do not count."""
    own, other = _settings(step.config), _settings(earlier.configs.get(step.id, step.config))
    return own == other or _undated(own) == _undated(other)


def has_same_parameters(run: Run, earlier: EarlierRun) -> bool:
    """Return True if both runs were started with the same parameters, dates aside; without a record they were."""
    own, other = run.inputs.parameters, earlier.inputs.parameters
    return own is None or other is None or without_dates(own) == without_dates(other)


def has_same_dates(run: Run, earlier: EarlierRun, step: str) -> bool:
    """Return True if the dates in the parameters and in the configuration of a step are those of an earlier run."""
    state = run.step(step)
    is_same = state is None or has_same_settings(state.config, earlier.configs.get(step, {}))
    return is_same and run.inputs.parameters == earlier.inputs.parameters


def has_same_settings(config: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return True if two configurations of a step are equal; its resolved connection does not count."""
    return _settings(config) == _settings(other)


def usual_gap(earlier: Sequence[EarlierRun]) -> float | None:
    """Return the usual number of seconds between runs, which are sorted by time; None if there are fewer than two."""
    from statistics import median  # few runs have earlier ones

    gaps = [new.started - old.started for new, old in pairwise(earlier)]
    return median(gaps) if gaps else None


def without_repeated(run: Run, earlier: Sequence[EarlierRun]) -> list[EarlierRun]:
    """Return earlier runs, newest first, without those that a later run, or this one, repeated soon after."""
    usual, started = usual_gap(earlier), layout.parse_start_ms(run.id)
    if usual is None or usual < MIN_SCHEDULE_S or started is None:
        return list(earlier)
    later = (started / 1000, *(each.started for each in earlier))
    return [
        each
        for each, next_start in zip(earlier, later, strict=False)
        if next_start - each.started >= usual * (REPEATED if each.completed is None else REPEATED_FAILURE)
    ]


def is_new_weekday(run: Run, earlier: Sequence[EarlierRun]) -> bool:
    """Return True if a daily run is the first of its weekday, and that day may be unlike those before.

    These are the days of a weekend, and the day after it, which often gets the data of the day before.
    """
    usual, started = usual_gap(earlier), layout.parse_start_ms(run.id)
    if usual is None or started is None or not MIN_DAILY_S <= usual <= MAX_DAILY_S:
        return False
    today = _weekday(started / 1000)
    return today in _UNUSUAL_DAYS and all(_weekday(each.started) != today for each in earlier)


def factors_of_the_time(run: Run, earlier: Sequence[EarlierRun]) -> tuple[float, float] | None:
    """Return by which factors fewer and more rows may be usual at the time of a run; None if it is like that of earlier ones.

    That is a new weekday, the first or the last day of a month, which have more rows, or a new hour of runs several times
    a day. An earlier run on a Sunday that was like the others shows that weekends are not special.
    """
    usual, started = usual_gap(earlier), layout.parse_start_ms(run.id)
    if usual is None or started is None:
        return None
    today = datetime.fromtimestamp(started / 1000, UTC)
    if MIN_DAILY_S <= usual <= MAX_DAILY_S:
        is_month_end = today.day == 1 or today.month != (today + timedelta(days=1)).month
        days = {_weekday(each.started) for each in earlier}
        weekend: float = SAME_TIME_FACTOR
        if is_new_weekday(run, earlier) and _SUNDAY not in days:
            weekend = SECOND_DAY_FACTOR if _SATURDAY in days else WEEKEND_FACTOR
        factors = weekend, max(weekend, MONTH_END_FACTOR if is_month_end else 0)
        return factors if max(factors) > SAME_TIME_FACTOR else None
    if not MIN_HOURLY_S <= usual < MIN_DAILY_S or started / 1000 - earlier[-1].started >= _DAY_S - usual:
        return None
    return NEW_HOUR_FACTOR, NEW_HOUR_FACTOR


def starts_anew(run: Run, rows: Sequence[int]) -> bool:
    """Return True if the rows of the runs before, newest first, grew with each run, and a month has begun since.

    A source of the running month then has few rows; a run may have the data of the day before.
    """
    started = layout.parse_start_ms(run.id)
    is_begin = started is not None and datetime.fromtimestamp(started / 1000, UTC).day <= MAX_FIRST_DAYS
    return is_begin and all(new > old for new, old in pairwise(rows))


def runs_of_like_days(run: Run, earlier: Sequence[EarlierRun]) -> list[list[EarlierRun]]:
    """Return the daily runs of working days, or of weekends, as this one is; also with the data of the day before."""
    usual, started = usual_gap(earlier), layout.parse_start_ms(run.id)
    if usual is None or started is None or not MIN_DAILY_S <= usual <= MAX_DAILY_S:
        return []
    return [
        [each for each in earlier if _is_weekend(each.started - lag) == _is_weekend(started / 1000 - lag)]
        for lag in (0, _DAY_S)
    ]


def _is_weekend(seconds: float) -> bool:
    return _weekday(seconds) >= 5


def period_factor(run: Run, earlier: Sequence[EarlierRun]) -> float:
    """Return how many times the usual time between runs has passed since the last run; 1 without a schedule."""
    usual, started = usual_gap(earlier), layout.parse_start_ms(run.id)
    if usual is None or started is None or usual < MIN_SCHEDULE_S:
        return 1
    return (started / 1000 - earlier[0].started) / usual


def _weekday(seconds: float) -> int:
    return datetime.fromtimestamp(seconds, UTC).weekday()


def server_of(run: Run | EarlierRun, step: str) -> Server:
    """Return the server of a step's connection; empty if unknown."""
    return run.inputs.servers.get(step, {})


def is_same_server(server: Server, other: Server) -> bool:
    """Return True if no known part of two servers differs."""
    return all(server[key] == other[key] for key in server.keys() & other.keys())


def _profile(name: str | None) -> str:
    return name or "default"


def _undated(settings: Mapping[str, Any]) -> str:
    return without_dates(json.dumps(settings, sort_keys=True, default=str))


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in _OF_A_CONNECTION}


def format_start(earlier: EarlierRun) -> str:
    """Return the start of an earlier run for a message."""
    return f"{day_and_time(earlier.started)} UTC"


def fingerprint_evidence(run: Run, step: StepState, frame: FrameFacts) -> Sequence[Evidence]:
    """Cite the fingerprint of a frame; for one whose file was hashed, the step."""
    if frame.file == layout.EVENTS:
        return (frame_evidence(frame, "fingerprint"),)
    return any_evidence(run, step)
