"""A source has its rows twice, or more rows than different ids.

What it finds:
    A file whose rows come twice or more often, block after block: it was appended to itself, or put together with its
    copy. A file beside a copy of it, by its name, with as many rows (`orders (1).csv`). A source with a column `id` of
    which at least 10 % of the rows are repeated as a whole, or with the key of what it is named after (`order_no` of
    `extract-orders`), of which 2 % are repeated and not removed by the next steps; or a source whose rows a writer takes with a primary key that
    has fewer numbers between the smallest and the largest than there are rows. A driver that logged all of its rows, such
    as `received 250 of 250`, and returned more, of which as many are different. A
    key that had no value twice in each of at least four earlier runs, and has now. A history, with a version or a period
    beside the id, a series over time and the lines of a document are not reported.

Why it matters:
    Rows that were delivered twice are counted twice. A writer that merges by the key keeps one of them.

How to fix:
    Deliver the file once; delete it before it is written again. Otherwise count the rows per id at the source. If one id has several rows on purpose, allow this rule for the step.

Example:
    `extract-orders` returned 2,000 rows, and its ids are 1 to 1,000.
"""

from collections.abc import Mapping, Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import ComparableRuns
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import QueryText, query_of
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import leaves_out_duplicates
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import DriverMessage, messages_of_successful_steps
from osiris_inspect.inspector.run.counts.copied_files import CopiedFile, copied_file, equal_files
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("output_stored",)
EXPLAINS = ("join-explosion", "aggregate-repeats-rows", "rows-multiplied", "lookup-repeats-rows")
MIN_ROWS = 20
MIN_SHARE = 0.1
MIN_KEYED_SHARE = 0.02
MIN_KEYED_ROWS = 10
"""The same of rows that repeat the key of what their source is named after."""
MAX_STEPS = 4
"""Steps after a source among which one is sought that removes its duplicates."""
MIN_STEM = 2
MIN_EARLIER = 4
"""Earlier runs in which a key was unique."""
COUNTED_ROWS = range(20, 5001)
COUNTED_COLUMNS = 4
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "count the rows per id at the source; if one id has several rows on purpose, allow this rule for the step",
    Confidence.MEDIUM,
)
FIX_BLOCKS = "have the file written once, from the beginning: it was appended to itself, or joined with its copy; if its rows repeat on purpose, allow this rule for the step"
FIX_KEY = (
    "count the rows per {} at the source; if it has several rows on purpose, allow this rule for the step"
)
TOLERANCE = 0.01
_COMPLETE = LazyRegex(r"(?<![\w.,-])([1-9][\d,]{1,12}) ?(?:of|out of|/) ?([1-9][\d,]{1,12})(?![\w%])")
_INTEGER = LazyRegex(r"-?\d{1,19}")
_KEY = LazyRegex(
    r"(?:(?P<stem>[A-Za-z]\w{0,60}?)[_ -]?)?(?:id|no|nr|num|number|code|key|uuid|guid|ref|reference)", 2
)
_DEDUPLICATES = LazyRegex(r"dedup|distinct|drop_duplicates|unique|duplicates", 2)
_LINES = LazyRegex(
    r"line|item|detail|position|part|event|log|hist|moveme?nt|transaction|visit|view|click|read|measure|stat|sale|stock|tag|map|link|rel|sample|random|survey|answer|vote",
    2,
)
"""Names of steps and columns whose rows may be equal."""
_HISTORY = LazyRegex(
    r"valid|version|revision|effective|snapshot|as_?of|updated|modified|changed|history|sequence|\bseq\b|line|position|rank"
    r"|(?:^|_)(?:from|to|start|end|seq|pos|index|idx|step|level|language|locale|lang)(?:_|$)",
    2,
)
_SERIES = LazyRegex(
    r"(?:(?:report|price|trade|record|reading|observation|log|stat|load|batch|value)_)?"
    r"(?:date|day|week|month|year|quarter|period|time|timestamp|ts|datetime|hour|minute)"
    r"|variable|metric|measure|attribute|property|field|key|event|action|tag",
    2,
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find files that have their rows several times, and sources with more rows than ids."""
    messages = messages_of_successful_steps(run)
    comparable = ComparableRuns(run, lineage)
    for step, frame in run.successful_frames():
        finding = (
            _repeated_blocks(step, frame)
            or _more_than_logged(step, frame, messages)
            or _repeated_key(run, lineage, step, frame, comparable)
        )
        if finding is not None:
            yield finding
        else:
            yield from _repeated_rows(run, lineage, step, frame)


def _repeated_blocks(step: StepState, frame: FrameFacts) -> Finding | None:
    blocks = as_int(frame.source.get("repeated_blocks")) or 0
    if blocks <= 1:
        return None
    times = "twice" if blocks == 2 else f"{blocks:,} times"
    first = f"the first {frame.rows // blocks:,} rows" if frame.rows else "the first rows"
    return TEMPLATE.finding(
        f"the source has all of its rows {times}, block after block: {first} come again in the same order",
        frame_evidence(frame, "repeated_blocks"),
        step=step.id,
        fix=FIX_BLOCKS,
        confidence=Confidence.HIGH,
    )


def _more_than_logged(
    step: StepState, frame: FrameFacts, messages: Mapping[str, tuple[StepState, Sequence[DriverMessage]]]
) -> Finding | None:
    logged = _logged_total(step, frame, messages[step.id][1]) if step.id in messages else None
    if logged is None:
        return None
    total, message = logged
    return TEMPLATE.finding(
        f"returned {frame.rows or 0:,} rows, of which {total:,} are different; its text log reports {total:,} rows in all: "
        f"{message.quote}",
        message.evidence,
        frame_evidence(frame, "repeated"),
        step=step.id,
        fix="add the rows of each page once, not the whole list after each page; if rows repeat on purpose, allow this rule for the step",
    )


def _repeated_key(
    run: Run, lineage: Lineage, step: StepState, frame: FrameFacts, comparable: ComparableRuns
) -> Finding | None:
    repeated = _key_no_longer_unique(step, frame, comparable.for_step(step.id))
    if repeated is None or _removes_duplicates(run, lineage, step.id, repeated[0]):
        return None
    key, runs = repeated
    return TEMPLATE.finding(
        f"{key!r} was different in each row of the last {runs} runs, and occurs more than once in this one",
        frame_evidence(frame, key),
        step=step.id,
        fix=FIX_KEY.format(key),
    )


def _repeated_rows(run: Run, lineage: Lineage, step: StepState, frame: FrameFacts) -> Findings:
    """Find rows that repeat another as a whole, a copy of a file, and more rows than a key has values."""
    rows = frame.rows or 0
    repeats = round((frame.repeated or 0) * rows)
    copy = copied_file(frame)
    is_file_repeated = copy is not None and _may_repeat(frame, copy)
    if not is_file_repeated and (not _is_plain_source(step) or _is_history(frame)):
        return
    key = _key_of_entity(step, frame) if repeats >= max(MIN_KEYED_ROWS, MIN_KEYED_SHARE * rows) else None
    if key is None and not is_file_repeated:
        yield from _more_rows_than_keys(run, lineage, step, frame)
    elif is_file_repeated or (key is not None and not _removes_duplicates(run, lineage, step.id, key)):
        copy = copy or equal_files(frame, repeats)
        yield TEMPLATE.finding(
            "; ".join(filter(None, (_describe_rows(repeats, rows, key), _describe_copy(copy)))),
            frame_evidence(frame, "repeated" if repeats else "files"),
            step=step.id,
            fix=f"remove {copy.copy!r} if it is a copy of {copy.original!r}; if both belong there, allow this rule for the step"
            if copy is not None
            else FIX_KEY.format(key),
        )


def _more_rows_than_keys(run: Run, lineage: Lineage, step: StepState, frame: FrameFacts) -> Findings:
    keys = _primary_keys(run, lineage, step) | ({"id"} if (frame.repeated or 0) >= MIN_SHARE else set())
    for column in frame.columns:
        if column.name.lower() not in keys:
            continue
        rows, ids = (frame.rows or 0) - (column.nulls or 0), _most_ids(column)
        if ids is not None and rows >= MIN_ROWS and rows - ids >= MIN_SHARE * rows:
            yield TEMPLATE.finding(
                f"returned {rows:,} rows, but {column.name!r} has at most {ids:,} values ({column.low} to {column.high}): at least {rows - ids:,} rows repeat one",
                frame_evidence(frame, column.name),
                step=step.id,
            )


def _key_no_longer_unique(
    step: StepState, frame: FrameFacts, earlier: Sequence[EarlierRun]
) -> tuple[str, int] | None:
    """Return a key that had no value twice in any of the earlier runs and has now, and the number of these runs.

    Unique columns are recorded for frames of ``COUNTED_ROWS``, and surely only among the first ``COUNTED_COLUMNS``.
    """
    before = [each.frames.get(step.id) for each in earlier]
    if (
        not step.is_source
        or len(before) < MIN_EARLIER
        or frame.repeated
        or (frame.rows or 0) not in COUNTED_ROWS
    ):
        return None
    for column in frame.columns[:COUNTED_COLUMNS]:
        is_key = (
            _KEY.fullmatch(column.name[:100]) is not None and column.distinct == "many" and not column.nulls
        )
        was_unique = all(one is not None and column.name in one.unique for one in before)
        if is_key and was_unique and column.name not in frame.unique:
            return column.name, len(before)
    return None


def _may_repeat(frame: FrameFacts, copy: CopiedFile) -> bool:
    """Return True if as many rows as a file has repeat another, or if that was not counted."""
    if frame.unique or copy.rows < MIN_ROWS:
        return False
    return frame.repeated is None or round(frame.repeated * (frame.rows or 0)) >= copy.rows


def _describe_rows(repeats: int, rows: int, key: str | None) -> str:
    included = f", the key {key!r} included" if key else ""
    return (
        f"{repeats:,} of {rows:,} rows are duplicates: each repeats another row as a whole{included}"
        if repeats
        else ""
    )


def _describe_copy(copy: CopiedFile | None) -> str:
    return (
        f"{copy.copy!r} seems to be a copy of {copy.original!r}, so its {copy.rows:,} rows come twice"
        if copy is not None
        else ""
    )


def _removes_duplicates(run: Run, lineage: Lineage, step: str, key: str, depth: int = MAX_STEPS) -> bool:
    """Return True if each step that takes the rows, or those after it, removes rows with the same key."""
    consumers = [run.step(edge.consumer) for edge in lineage.edges_from(step)]
    return bool(consumers) and all(
        consumer is not None
        and (
            _keeps_one_row(consumer, key)
            or (depth > 0 and _removes_duplicates(run, lineage, consumer.id, key, depth - 1))
        )
        for consumer in consumers
    )


def _keeps_one_row(step: StepState, key: str) -> bool:
    if step.is_writer:
        return step.config.get("write_mode") in ("upsert", "merge") or leaves_out_duplicates(step.config)
    query = query_of(step.config)
    if query is None:
        return any(_DEDUPLICATES.search(f"{name} {value}"[:200]) for name, value in step.config.items())
    return query.has("qualify", "row_number") or _is_distinct(query, key.lower())


def _is_distinct(query: QueryText, key: str) -> bool:
    """Return True for ``SELECT DISTINCT``, and for groups of the key."""
    pairs = zip(query.words, query.words[1:], strict=False)
    grouped = query.words[query.words.index("group") :] if query.has("group") else ()
    return ("select", "distinct") in pairs or key in grouped


def _logged_total(
    step: StepState, frame: FrameFacts, messages: Sequence[DriverMessage]
) -> tuple[int, DriverMessage] | None:
    """Return a number of rows that a source logged as complete, if it returned more and as many are different."""
    rows, repeated = frame.rows or 0, frame.repeated or 0
    if not step.is_source or repeated < MIN_SHARE or rows < MIN_ROWS:
        return None
    different = rows - repeated * rows
    for message in messages:
        match = _COMPLETE.search(message.text)
        total = int(match[1].replace(",", "")) if match is not None else 0
        if match is not None and match[1] == match[2] and abs(total - different) <= TOLERANCE * total:
            return total, message
    return None


def _is_plain_source(step: StepState) -> bool:
    """Return True if the step reads rows as they are: no query multiplies them, no file of each row is named."""
    if step.inputs and not step.is_source:
        return False
    query = query_of(step.config)
    is_joined = query is not None and (query.has("join") or query.multiplies)
    return not is_joined and not step.config.get("file_column")


def _key_of_entity(step: StepState, frame: FrameFacts) -> str | None:
    """Return the key of what the step is named after, such as ``order_no`` of orders; None if the frame has none."""
    rows = frame.rows or 0
    names = " ".join(str(step.config.get(key) or "") for key in ("table", "path")) + " " + step.id
    if rows < MIN_ROWS:
        return None
    for column in frame.columns:
        match = _KEY.fullmatch(column.name[:100])
        stem = (match["stem"] or "").strip("_ -").lower() if match is not None else ""
        singular = stem.rstrip("s").removesuffix("y")
        is_own = len(stem) > MIN_STEM and singular in names.lower()
        is_text_id = column.name.lower() in ("id", "uuid", "guid") and column.low is None
        has_equal_rows = _LINES.search(names.lower().replace(singular, "") if is_own else names)
        if not has_equal_rows and (is_own or is_text_id) and column.distinct == "many":
            return column.name
    return None


def _is_history(frame: FrameFacts) -> bool:
    return any(
        _HISTORY.search(column.name[:100]) or _SERIES.fullmatch(column.name[:100]) for column in frame.columns
    )


def _primary_keys(run: Run, lineage: Lineage, step: StepState) -> set[str]:
    """Return the keys of one column, in lower case, of writers that take the rows and keep the key unique."""
    keys: set[str] = set()
    for consumer in filter(None, (run.step(edge.consumer) for edge in lineage.edges_from(step.id))):
        key = consumer.config.get("primary_key")
        names = [key] if isinstance(key, str) else key if isinstance(key, list) else []
        if len(names) == 1 and consumer.config.get("on_duplicate_keys") != "last":
            keys.add(str(names[0]).lower())
    return keys


def _most_ids(column: ColumnFacts) -> int | None:
    """Return how many whole numbers there are between the smallest and the largest; None if unknown."""
    low, high = column.low or "", column.high or ""
    if not _INTEGER.fullmatch(low) or not _INTEGER.fullmatch(high):
        return None
    return int(high) - int(low) + 1
