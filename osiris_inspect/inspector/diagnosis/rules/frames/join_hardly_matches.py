"""Few rows of a join found a partner.

What it finds:
    A join of two frames in which no row, or less than half of the rows on either side, has a partner. An inner join
    that drops a fifth or more of the rows of the input with several rows for each key, or of the larger one, if the query
    takes columns of the other input; from a twentieth on if the last runs dropped clearly fewer, or if the keys are above
    all keys of the other input; as a note: one that drops a tenth or more. Rows of a table of which each key occurs once,
    such as policies that have no claim, are only a note. A step without a query that returns the columns of two inputs, those with one name once,
    and less than a tenth of the rows. A joined table that only has more keys than the rows of FROM need is not reported.

Why it matters:
    Keys that differ in type, case or spaces do not match. An inner join then loses the rows, and a left join leaves
    the columns of the other side empty.

How to fix:
    Compare some keys of both sides; convert them to one type and one spelling. If the frames share few keys, allow
    this rule for the step.

Example:
    `join-orders` receives 1,000 and 200 rows, and 0 of the 1,000 have a partner.
"""

from collections.abc import Sequence
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence, rows_out_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts, JoinFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
EXPLAINS = ("column-all-null", "fallback-in-all-rows", "differs-from-earlier-runs", "values-missing-or-new")
MIN_SHARE = 0.5
MIN_DROPPED = 0.1
MIN_DROPPED_BY_LOOKUP = 0.2
"""Share of the rows of which the query looks up columns in the other input."""
MIN_DROPPED_NEW = 0.05
MIN_ROWS_DROPPED = 10
"""Share and number of dropped rows that are worth a warning if they are unlike those before."""
MIN_NEWER_SHARE = 0.9
FACTOR = 3
MIN_RUNS = 3
MIN_ROWS_MERGED = 20
MAX_NAMED = 5
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the keys of both sides: type, case, spaces; if they share few keys on purpose, allow this rule for the step",
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find joins with few matches."""
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        if frame.join is None:
            yield from _merged(run, step, frame)
            continue
        join = frame.join
        if not join.left_rows or not join.right_rows or _is_explained(frame):
            continue
        frames = (each.frames.get(step.id) for each in comparable.for_step(step.id))
        earlier = [one.join for one in frames if one is not None and one.join is not None]
        if join.is_filtered:
            yield from (
                _dropped(step, frame, join, earlier) if join.is_whole and _is_lookup(step, join) else ()
            )
        elif _matches_few(join):
            yield TEMPLATE.finding(
                f"{join.matched:,} of {join.left_rows:,} rows found a partner among {join.right_rows:,} rows of the join",
                frame_evidence(frame, "join"),
                step=step.id,
                confidence=Confidence.MEDIUM if join.matched else None,
            )
        else:
            yield from _dropped(step, frame, join, earlier)


def _merged(run: Run, step: StepState, frame: FrameFacts) -> Findings:
    """Find a merge of two inputs by all columns that they have in common, of which few rows are left."""
    inputs = run.input_frames(step)
    if len(inputs) != 2 or len(step.inputs) != 2 or query_of(step.config) is not None or frame.rows is None:
        return
    left, right = ({column.name for column in one.columns} for one in inputs)
    common = [column.name for column in inputs[0].columns if column.name in right]
    rows = min(one.rows or 0 for one in inputs)
    has_all = {column.name for column in frame.columns} == left | right and left != right
    if len(common) > 1 and has_all and rows >= MIN_ROWS_MERGED and frame.rows < MIN_DROPPED * rows:
        names = ", ".join(map(repr, common[:MAX_NAMED]))
        yield TEMPLATE.finding(
            f"returned {frame.rows:,} rows of {inputs[0].rows or 0:,} and {inputs[1].rows or 0:,}; the inputs have {len(common)} "
            f"columns in common, each of them once in the result, so it seems to join by all of them: {names}",
            *rows_out_evidence(run, step),
            frame_evidence(frame, common[0]),
            step=step.id,
            confidence=Confidence.MEDIUM,
            fix="name the columns of the key in the merge; if the rows are meant to agree in all of them, allow this rule for the step",
        )


def _dropped(step: StepState, frame: FrameFacts, join: JoinFacts, earlier: Sequence[JoinFacts]) -> Findings:
    """Find an inner join that drops rows of the input whose rows are looked up in the other one."""
    side = _looked_up(join)
    rows, dropped = side.rows, side.rows - side.matched
    query = query_of(step.config)
    if side.name == "right" and join.matched == join.left_rows:
        return  # all rows of FROM were looked up
    if query is None or query.has_outer_join:
        return
    reason = _reason(join, side, earlier)
    if dropped < MIN_DROPPED * rows and not reason:
        return
    table = "table in FROM" if side.name == "left" else "joined table"
    is_warning = bool(reason) or _is_lookup(step, join)
    yield TEMPLATE.finding(
        f"the inner join dropped {dropped:,} of {rows:,} rows of the {table}, which have no partner{reason}",
        frame_evidence(frame, "join"),
        step=step.id,
        severity=Severity.WARNING if is_warning else Severity.NOTE,
        confidence=Confidence.MEDIUM,
        fix="add the missing keys to the other table, or use a left join if these rows belong in the result"
        if reason
        else "use a left join if these rows belong in the result",
    )


class _Side(NamedTuple):
    """One input of a join.

    Attributes:
        other: the name of the other side.
        newer: rows without a partner whose key is above all keys of the other side.
        is_many: several of its rows have one key, and the other side has each key once.
        is_only_larger: the other side has a partner for each row, and both have each key once: a table for some rows.
    """

    name: str
    other: str
    rows: int
    matched: int
    newer: int
    is_many: bool
    is_only_larger: bool


def _looked_up(join: JoinFacts) -> _Side:
    """Return the input with several rows for a key of the other one; else the larger input."""
    right_matched = join.right_rows if join.right_matched is None else join.right_matched
    left_is_many = bool(join.left_duplicates) and not join.right_duplicates
    right_is_many = bool(join.right_duplicates) and not join.left_duplicates
    is_left = left_is_many or (not right_is_many and join.left_rows >= join.right_rows)
    if join.right_matched is None:
        is_left = True
    left = _Side(
        "left",
        "right",
        join.left_rows,
        join.matched,
        join.left_newer,
        left_is_many,
        right_matched == join.right_rows,
    )
    right = _Side(
        "right",
        "left",
        join.right_rows,
        right_matched,
        join.right_newer,
        right_is_many,
        join.matched == join.left_rows,
    )
    side = left if is_left else right
    is_one_to_one = not (join.left_duplicates or join.right_duplicates)
    return side._replace(is_only_larger=side.is_only_larger and is_one_to_one)


def _reason(join: JoinFacts, side: _Side, earlier: Sequence[JoinFacts]) -> str:
    """Return why the dropped rows are more than the usual ones; empty if nothing says so."""
    dropped = side.rows - side.matched
    is_lookup = side.is_many and join.uses in ("both", side.other)
    if not is_lookup or dropped < max(MIN_ROWS_DROPPED, MIN_DROPPED_NEW * side.rows):
        return ""
    if side.newer >= MIN_NEWER_SHARE * dropped:
        return (
            f"; {side.newer:,} of them have a key above all keys of the other table, which is probably older"
        )
    shares = [_share(other) for one in earlier if (other := _looked_up(one)).name == side.name and other.rows]
    share = dropped / side.rows
    if len(shares) >= MIN_RUNS and share >= max(FACTOR * max(shares), max(shares) + MIN_DROPPED_NEW):
        return f", {share:.0%}; in the last {len(shares)} runs at most {max(shares):.1%}"
    return ""


def _share(side: _Side) -> float:
    return (side.rows - side.matched) / side.rows


def _is_lookup(step: StepState, join: JoinFacts) -> bool:
    """Return True if many rows are dropped of an input to which the query adds columns of the other one."""
    side = _looked_up(join)
    return (
        join.uses in ("both", side.other)
        and side.rows - side.matched >= MIN_DROPPED_BY_LOOKUP * side.rows
        and (not side.is_only_larger or _compares_ids(step))
    )


def _compares_ids(step: StepState) -> bool:
    """Return True for ``ON a.id = b.id``: a table for some rows of another has the key under the name of the other."""
    query = query_of(step.config)
    words = query.words if query is not None else ()
    return any(
        word == "on" and words[number + 2 : number + 4] == words[number + 5 : number + 7] == (".", "id")
        for number, word in enumerate(words)
    )


def _is_explained(frame: FrameFacts) -> bool:
    """Return True if a check of the query says why keys have no partner."""
    reasons = ("join-keys-differ-in-form", "join-uses-other-key")
    return any(check.get("check") in reasons for check in frame.checks)


def _matches_few(join: JoinFacts) -> bool:
    if not join.matched:
        return True
    if join.right_matched is None:
        return False
    return join.matched < MIN_SHARE * join.left_rows and join.right_matched < MIN_SHARE * join.right_rows
