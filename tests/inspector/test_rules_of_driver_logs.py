"""Rules about what drivers log while their step succeeds: runs that must hit, and near misses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector.making import native, run_dir
from tests.inspector.test_rules_of_green_runs import Made, ours, ranged, step

NAMES = {"I": "INFO", "W": "WARNING", "E": "ERROR", "C": "CRITICAL"}


def worker_log(name: str, *lines: str) -> dict[str, Any]:
    """The log of our worker, written while a step ran; each begins with the letter of its level, or ``-``."""
    texts = [
        f"2026-01-01 00:00:00,000 - acme - [step {name}] - {NAMES[line[0]]} - {line[2:]}"
        if line[0] in NAMES
        else line[2:]
        for line in lines
    ]
    return {"worker.log": "\n".join([*texts, ""])}


def read(*lines: str, rows: int = 100, **config: Any) -> Made:
    """A source that returned 100 rows and logged these lines."""
    return ours(step("src", "acme.invoices", rows=rows, **config), files=worker_log("src", *lines))


def paged(*lines: str, repeated: int = 500) -> Made:
    """A source that returned 750 rows, of which some repeat another one, and logged these lines."""
    out = {
        "columns": ["event", "kind"],
        "dtypes": ["int64", "str"],
        "repeated": {"rows": 750, "repeated": repeated},
    }
    source = step("src", "acme.invoices", rows=750, out=out, mode="read")
    return ours(source, files=worker_log("src", *lines))


def shaped(*lines: str, rows: int = 100) -> Made:
    """A transform that returned 100 of 100 rows and logged these lines."""
    source = step("src", "x.extractor", rows=100)
    return ours(source, step("shape", "acme.shape", "src", rows=rows), files=worker_log("shape", *lines))


def written(*lines: str, rows: int = 100, **config: Any) -> Made:
    """A writer that wrote all of 100 rows and logged these lines."""
    source = step("src", "x.extractor", rows=100)
    load = step("load", "acme.load", "src", rows=rows, **{"mode": "write", **config})
    return ours(source, load, files=worker_log("load", *lines))


def pages(first: int, last: int, whole: int, every: int = 1) -> list[str]:
    return [f"I page {number} of {whole}" for number in range(first, last + 1, every)]


def traceback(error: str) -> list[str]:
    """The lines of a traceback."""
    return [
        f"- {line}"
        for line in (
            "Traceback (most recent call last):",
            '  File "acme.py", line 14, in run',
            '    raise ConnectionResetError("3 rows were rejected")',
            error,
        )
    ]


def twice(*lines: str, column: str = "ticket", high: str = "899", rows: int = 900) -> Made:
    """A source with at most 800 tickets in 900 rows."""
    source = {**ranged((column, "100", high), ("state", None, None), rows=rows), "driver": "acme.tickets"}
    return ours(source, files=worker_log("src", *lines))


HITS: Sequence[tuple[str, Made]] = (
    ("rows-incomplete", read("I GET /v2/invoices page=1 per_page=100 total_count=1342")),
    ("rows-incomplete", read('I {"page": 1, "totalCount": 1342}')),
    ("rows-incomplete", read("I page=1 limit=100 total=1,342")),
    ("rows-incomplete", read("I fetched 100 of 1342")),
    ("rows-incomplete", read("I fetched 100 invoices of 1,342")),
    ("rows-incomplete", read("I fetched 100 of 1342 invoices")),
    ("rows-incomplete", read("I 100 of 1342 invoices")),
    ("rows-incomplete", read("I loaded 100/1342 rows")),
    ("rows-incomplete", read("I page 1 of 14")),
    ("rows-incomplete", read(*pages(1, 6, 14))),
    ("rows-incomplete", read("I fetched 50 of 1342", "I fetched 100 of 1342")),
    ("rows-incomplete", read("I page=1 has_more=True")),
    ("rows-incomplete", read('I {"page": 1, "has_more": true}', "I done")),
    ("rows-incomplete", read("I page=1 next_page=2")),
    ("rows-incomplete", read("W partial result: the server stopped after 30 s")),
    ("rows-incomplete", read("W only the first page was read")),
    ("rows-incomplete", read("W results limited to 100")),
    ("rows-incomplete", read("I more records are available")),
    ("rows-incomplete", shaped("I processed 100 of 150 records")),
    ("rows-incomplete", written("I inserted 60 of 100 rows", rows=60)),
    ("rows-incomplete", ours(step("src", "acme.read", rows=100), files={"worker.log": "fetched 100 of 1342 items\n"})),
    ("values-altered", written("W ('Warning', 1265, \"Data truncated for column 'note' at row 1\")")),
    ("values-altered", written("W (1264, \"Out of range value for column 'amount' at row 3\")")),
    ("values-altered", written("W Warning 1366: Incorrect integer value: 'x' for column 'n' at row 1")),
    ("values-altered", written("W Incorrect datetime value: '2026-02-31' for column 'at'")),
    ("values-altered", written("W 12 values of 'note' were truncated to 20 characters")),
    ("values-altered", shaped("I truncating 3 texts to 255 chars")),
    ("values-altered", shaped("W could not parse '12,5' as a number, using None")),
    ("values-altered", shaped("W unable to convert '31.2.' to a date; set to NaT")),
    ("values-altered", shaped("W unknown currency XAU, using default")),
    ("values-altered", shaped("W no rate for CZK, using 1.0")),
    ("values-altered", shaped("I 40 dates were coerced to NaT")),
    ("stale-data-used", read("W rates API timed out, falling back to cached rates of 2026-11-02")),
    ("stale-data-used", read("W source is down; using yesterday's file")),
    ("stale-data-used", read("W using stale copy")),
    ("stale-data-used", read("W fell back to the last snapshot")),
    ("stale-data-used", read("W using cached response after HTTP 503")),
    ("read-repeated", twice("W page 4: read timed out (30 s), retrying")),
    ("rows-skipped", written("I bulk: 176 ok, 24 errors")),
    ("rows-skipped", written('I {"created": 176, "failed": 24}')),
    ("rows-skipped", read("I imported 176, rejected: 24")),
    ("rows-delivered-twice", paged("I page 4 of 5, received 200 of 250", "I page 5 of 5, received 250 of 250")),
    ("rows-delivered-twice", paged("I got 250/250 events")),
    ("rows-skipped", shaped("W validation: kept 463 of 500 policies, 37 discarded (postal_code missing)")),
    ("rows-skipped", shaped("I 37 policies rejected, 1,463 out of 1,500 kept")),
    ("rows-skipped", written("W POST /contacts -> 422 Unprocessable Entity: contact 17 rejected, phone is invalid")),
    ("rows-skipped", written("E HTTP 400 for contact 17: the service refused the phone number")),
    ("rows-incomplete", read("I query finished, cursor.rowcount=3120", "I fetched 100 rows")),
    ("rows-incomplete", read("I row_count: 3,120")),
    ("rows-skipped", read("W skipping invoice 17: no customer")),
    ("rows-skipped", read("W skipped page 4 (malformed JSON)")),
    ("rows-skipped", read("I dropped 24 records without a customer")),
    ("read-repeated", twice("I fetching page 4 again", column="order_id")),
    ("rows-incomplete", read("W UserWarning: stopped after 10 pages (max_pages)")),
    ("rows-incomplete", read("I stopping after 10 pages")),
    ("rows-incomplete", read("I max pages reached")),
    ("rows-incomplete", read("W reached the page limit")),
    ("rows-incomplete", read("I page limit hit: 10")),
    ("rows-incomplete", read("I the result set was capped")),
    ("rows-incomplete", read("I result set limited to 100")),
    ("rows-incomplete", read("W response truncated")),
    ("rows-skipped", written("I 12 rows sent to the dead-letter queue")),
    ("rows-skipped", written("I wrote 88 rows, 12 messages to orders-dlq")),
    ("rows-skipped", written("W dead letter: 12")),
    ("rows-skipped", written("I 3 dead letters")),
    ("rows-skipped", written("I moved invoice 17 to quarantine")),
    ("rows-skipped", written("I quarantined 4 invoices")),
    ("rows-skipped", written("I 12 rejected to /data/rejects.csv")),
    ("rows-skipped", written("I invoice 17 routed to errors")),
    ("rows-skipped", shaped("I 12 unresolved")),
    ("rows-skipped", shaped("I resolved 88 addresses, 12 are still unresolved")),
    ("rows-skipped", shaped("I 12 customers could not be matched")),
    ("rows-skipped", written("I 4 messages were not delivered")),
    ("rows-skipped", read("I 4 files left behind")),
    ("all-rows-lost", written(rows=0)),
    ("all-rows-lost", written("I connected to crm", rows=0, write_mode="append", dry_run=False)),
    ("all-rows-lost", written("I 0 duplicates", rows=0, write_mode="upsert")),
    ("failure-logged", read("E station 3", *traceback("KeyError: 'temp'"))),
    ("failure-logged", read("E station 3 is down", "E station 7 is down", "I read 98 stations")),
    ("failure-logged", read("I page 1", *traceback("requests.exceptions.HTTPError: 500 Server Error"))),
    ("failure-logged", read(*traceback("ValueError: bad date"))),
    ("failure-logged", read("W station 3", *traceback("KeyError: 'temp'"))),
    ("failure-logged", read("C the second file is not a workbook")),
    ("failure-logged", read("E page 3 timed out (attempt 1 of 2)", "E page 3 timed out (attempt 2 of 2)")),
    ("failure-logged", read("E page 3 timed out, retry failed")),
    ("failure-logged", read("E station 3 is down", "E station 7 timed out", "I attempt 2 succeeded")),
    ("failure-logged", read("E page 3 timed out", "W retrying page 3", "E page 3 timed out, giving up after 2 retries")),
    ("failure-logged", shaped("E region 4: 12 rows, 0 errors, and no connection: it timed out")),
    ("failure-logged", ours(step("src", "acme.read", rows=100), files={"worker.log": "ERROR: station 3 is down\n"})),
    ("failure-logged", read("- could not reach https://api.example.com/orders, continuing without it")),
    ("failure-logged", read("W could not reach shard eu-2, skipping", rows=5)),
    ("failure-logged", read("- timeout while connecting to crm.local, returning empty frame", rows=0)),
    ("failure-logged", read("I api answered 503; returning no rows", rows=0)),
    ("failure-logged", read("W connection to eu-2 refused", "I proceeding without eu-2")),
    ("failure-logged", read("I source eu-2 is offline, ignored")),
    *(
        ("failure-logged", read(*lines))
        for lines in (
            ["I page 1: 100 rows", "W page 3: HTTP Error 504: Gateway Time-out"],
            ["W 503 Server Error: Service Unavailable for url: http://api/orders?page=3"],
            ["W offset 400: 500 Server Error: Internal Server Error for url: http://api"],
            ["W page 4: The read operation timed out"],
            ["W HTTPConnectionPool(host='api', port=80): Read timed out. (read timeout=20)"],
            ["W chunk 7: [Errno 104] Connection reset by peer"],
            ["W retries exhausted"],
            ["W could not read inbox/orders_3.csv: No such file or directory"],
            ["W skipping orders_3.csv"],
            ["W tenant 12 unavailable", "I tenant 13: 50 rows"],
            ["W got 502 from /orders?page=4"],
            ["W quota exceeded, returning what we have"],
            ["W orders_3.csv: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9"],
            ["W sheet 'March' not found, ignoring"],
            ["W partition 3 not consumed"],
            ["W not all partitions were read"],
            ["I page 3 failed with 504, stopping"],
            ["- page 3: HTTP Error 504: Gateway Timeout"],
            ["W store 12: connection refused", "W store 12: connection refused", "I store 13: 50 rows"],
        )
    ),
    ("stale-data-used", read("- exchange-rate service unavailable: using default rates")),
    ("stale-data-used", read("I API unreachable, using fallback list")),
    ("stale-data-used", read("W connection to rates service failed, using cached rates")),
    ("stale-data-used", read("I request to /prices timed out", "I using hard-coded prices")),
    ("stale-data-used", read("W could not fetch rates (HTTP 502); defaulting to last values")),
)  # fmt: skip
NEAR_MISSES: Sequence[tuple[str, Made]] = (
    ("rows-incomplete", read("I GET /agents page=1 per_page=100 total_count=37", rows=37)),
    ("rows-incomplete", read("I cursor.rowcount=-1")),
    ("rows-delivered-twice", paged("I received 250 of 250 orders, 3 lines each", repeated=0)),
    ("rows-delivered-twice", paged("I received 750 of 750")),
    ("rows-delivered-twice", paged("I page 5 of 5")),
    ("rows-delivered-twice", paged("I received 200 of 250")),
    ("rows-incomplete", read("I cursor.rowcount=3120", rows=3120)),
    ("rows-incomplete", read("I cursor.rowcount=3120", rows=417)),
    ("rows-incomplete", read("I rowcount=100 for orders", "I rowcount=3120 for lines")),
    ("rows-skipped", shaped("I kept 463 of 500 policies, 37 filtered")),
    ("rows-skipped", shaped("I kept 500 of 500 policies, 0 discarded")),
    ("rows-skipped", shaped("I kept 463 of 500 policies, 37 duplicates discarded")),
    ("rows-skipped", shaped("I 463 of 500 policies are new, 12 rejected last year")),
    ("rows-skipped", written("W POST /contacts -> 422 Unprocessable Entity, retrying as a smaller batch")),
    ("rows-skipped", written("W 409 Conflict: contact 17 rejected, already exists")),
    ("rows-skipped", written("I 422 contacts sent, none rejected")),
    ("rows-incomplete", read("I page=1 per_page=100 total_count=1342", limit=100)),
    ("rows-incomplete", read("I page=1 total_count=1342", rows=1342)),
    ("rows-incomplete", read("I total_time=1342 ms, total=1342 ms for page 1")),
    ("rows-incomplete", read("I total_count=1342", "I kept 100 that are active")),
    ("rows-incomplete", read("I customers total_count=900", "I invoices total_count=100")),
    ("rows-incomplete", shaped("I page 1 total_count=1342")),
    ("rows-incomplete", read("I fetched 1342 of 1342", rows=1342)),
    ("rows-incomplete", read(*(f"I fetched {n} of 1342" for n in (400, 800, 1200)), rows=1342)),
    ("rows-incomplete", read(*pages(1, 14, 14))),
    ("rows-incomplete", read(*pages(0, 13, 14))),
    ("rows-incomplete", read(*pages(10, 140, 144, 10))),
    ("rows-incomplete", read("W 429 Too Many Requests on page 3, waiting 1 s", *pages(1, 6, 6))),
    ("rows-incomplete", read("W attempt 1 of 3 failed, retrying", "I attempt 2 of 3")),
    ("rows-incomplete", read("I 3 of 10 workers idle", "I using 2 of 8 cores", "I step 1 of 4")),
    ("rows-incomplete", read("I 100 of 1342 rows matched the filter")),
    ("rows-incomplete", read("I 13 of 100 rows changed, 87 unchanged")),
    ("rows-incomplete", read("I delivery 11/2026, 1/12 of the year")),
    ("rows-incomplete", read("I read 5 of 90 MB", "I read 12 of 100 bytes")),
    ("rows-incomplete", read("I page=1 has_more=True", "I page=2 has_more=False")),
    ("rows-incomplete", read("I page=1 has_more=True", "I page=2: 12 items")),
    ("rows-incomplete", read("I following next_page=2", "I following next_page=3")),
    ("rows-incomplete", read("I next_cursor=abc", "I next_cursor=def")),
    ("rows-incomplete", read("I page=1 next_page=None")),
    ("rows-incomplete", read("I page=1 has_more=True", "I all pages read")),
    ("rows-incomplete", read("I no partial results", "I allow partial results: no")),
    ("rows-incomplete", read("W InsecureRequestWarning: Unverified HTTPS request", "W slow query: 12 s of 30 s")),
    ("rows-incomplete", written("I inserted 60 of 100 rows", "I inserted 100 of 100 rows")),
    ("values-altered", written("I truncating table notes before the load")),
    ("values-altered", written("I truncated target table, then wrote 100 rows")),
    ("values-altered", read("W response body truncated to 500 characters for the log")),
    ("values-altered", written("I 0 values truncated")),
    ("values-altered", written("I table truncated; 100 rows inserted")),
    ("values-altered", read("W no timeout configured, using default")),
    ("values-altered", read("W unknown locale, falling back to default")),
    ("values-altered", read("W missing setting batch_size, using default")),
    ("values-altered", read("W DeprecationWarning: errors='ignore' is deprecated")),
    ("values-altered", read("I invoice 1265: 3 rows")),
    ("values-altered", shaped("I 12 missing discounts set to 0")),
    ("values-altered", shaped("I 0 dates were coerced to NaT")),
    ("rows-incomplete", read("I Query returned 100 rows of 12 columns", "I batch of 100 rows")),
    ("rows-incomplete", read(*(f"I Extracted batch {n}/7" for n in range(1, 8)))),
    ("rows-incomplete", read("I Sync 50% (50/100 rows)", "I Sync 100% (100/100 rows)")),
    ("rows-incomplete", read("W retrying in 5 s (1/3)")),
    ("rows-incomplete", read("I read 100 rows of 2026-11-29")),
    ("stale-data-used", read("W token expired, using cached token")),
    ("stale-data-used", read("I using cached connection", "I using cached response")),
    ("stale-data-used", read("W falling back to the default encoding")),
    ("stale-data-used", read("W stale lock file removed")),
    ("stale-data-used", read("W falling back to HTTP/1.1")),
    ("stale-data-used", read("I starting from the last cursor 2026-11-02")),
    ("read-repeated", twice("W page 4: read timed out (30 s), retrying", high="1100")),
    ("read-repeated", twice("I read 9 pages")),
    ("rows-skipped", written("I bulk: 200 ok, 0 errors")),
    ("rows-skipped", written("I inserted 13, skipped 87 unchanged")),
    ("rows-skipped", read("W 3 failed attempts, then all 100 loaded")),
    ("rows-skipped", read("W skipping the certificate check: no CA file")),
    ("rows-skipped", read("W skipping optional step: no key")),
    ("rows-skipped", read("I imported 100, failed: 0")),
    ("rows-skipped", read("W request failed 2 times, then 100 rows were loaded")),
    ("read-repeated", twice("W page 4: timed out, retrying", high="105")),
    ("rows-incomplete", read("I stopping after 10 pages: no more rows")),
    ("rows-incomplete", read("I page limit: 100", "I max_pages=10, page_limit=100")),
    ("rows-incomplete", read("I stopped after 12 seconds", "I results limited by the filter")),
    ("rows-incomplete", read("I response truncated for the log", "I the result set was not truncated")),
    ("rows-skipped", written("I check passed: 0 duplicates, 0 errors, 0 rejected rows")),
    ("rows-skipped", written("I loaded 100, errors=0, skipped=0, rows_rejected=0")),
    ("rows-skipped", written("I no rows rejected", "I none skipped", "I 100 rows loaded, without errors")),
    ("rows-skipped", written("I loaded 100, errors: []", "I no rows skipped or rejected", "I not a single row was rejected")),
    ("rows-skipped", written("I processed 100 rows, 0 of 100 rows rejected, rejected: 0 of 100 rows")),
    ("rows-skipped", written('I {"loaded": 100, "failed": 0, "invalid_rows": 0}')),
    ("rows-skipped", written("I 0 rows sent to the dead-letter queue", "I dead letters: 0", "I DLQ is empty")),
    ("rows-skipped", written("I port 5672, dead letter queue orders-dlq", "I wrote 9 rows to a, dlq is empty")),
    ("rows-skipped", written("I nothing was quarantined", "I invalid rows would be quarantined")),
    ("rows-skipped", written("I 0 unresolved", "I unresolved: 0", "I no messages were left behind")),
    ("rows-skipped", shaped("I all 100 customers matched", "I 100 messages delivered, 0 not delivered")),
    ("all-rows-lost", written(rows=0, dry_run=True)),
    ("all-rows-lost", written(rows=0, if_exists="skip")),
    ("all-rows-lost", written(rows=0, write_mode="ignore")),
    ("all-rows-lost", written(rows=0, on_conflict="nothing")),
    ("all-rows-lost", written("I all 100 contacts are unchanged", rows=0, write_mode="upsert")),
    ("all-rows-lost", written("I target is already up to date", rows=0)),
    ("all-rows-lost", written("I dry run: would write 100 rows", rows=0)),
    ("all-rows-lost", written(rows=100)),
    ("failure-logged", read("E page 3 timed out, retrying in 2 s")),
    ("failure-logged", read("E page 3 timed out", "W retrying page 3")),
    ("failure-logged", read("E page 3 timed out (attempt 1 of 3)", "E page 3 timed out (attempt 2 of 3)")),
    ("failure-logged", read("E page 3: try 1 failed", "E page 3: try 2 failed", "I page 3: succeeded on the third try")),
    ("failure-logged", read("E station 3", *traceback("KeyError: 'temp'"), "I attempt 2 succeeded")),
    ("failure-logged", read("E station 3 is down", "E station 7 is down", "I all stations recovered")),
    ("failure-logged", read("W connection lost, reconnecting", *traceback("OSError: reset"))),
    ("failure-logged", read("E 0 errors", "E done: errors=0, rejected=0")),
    ("failure-logged", read("I table ERROR: 100 rows", "W slow answer: 12 s")),
    ("failure-logged", ours(step("src", "mysql.extractor", rows=100), files=worker_log("src", "E unused result"))),
    ("values-altered", written("I values truncated: 0", "I no values were truncated")),
    ("failure-logged", read("I cache service unreachable, continuing without cache")),
    ("failure-logged", read("I could not reach the telemetry endpoint, ignored")),
    ("failure-logged", read("I skipping the header row", "I no connection pool configured")),
    ("failure-logged", read("W could not reach db-1, moving on with the remaining hosts: trying next host db-2")),
    ("failure-logged", read("W page 3 timed out, skipping the wait and retrying")),
    ("failure-logged", read("I slack webhook returned 404, ignoring")),
    ("failure-logged", read("I connected after the first attempt timed out", "I 100 rows", "I 0 rows, skipped")),
    *(
        ("failure-logged", read(*lines))
        for lines in (
            ["W page 3: HTTP Error 504: Gateway Timeout", "I retrying page 3"],
            ["W page 3: HTTP Error 504: Gateway Timeout", "I page 3: 100 rows"],
            ["W store 12: connection refused", "W store 12: connection refused", "I store 12: 50 rows"],
            ["W page 3: timeout, backing off 2 s"],
            ["W 429 Too Many Requests, sleeping 5 s"],
            ["W page 3: 502 Bad Gateway; trying again in 2 s"],
            ["W DeprecationWarning: the timeout argument is deprecated"],
            ["W skipping header line of orders_3.csv"],
            ["W skipping orders_3.csv: already loaded"],
            ["W skipping temporary file ~$orders.xlsx"],
            ["W skipping TLS verification"],
            ["W timeout=20"],
            ["W request took 19 s, close to the timeout of 20 s"],
            ["W metrics endpoint: HTTP Error 503"],
            ["W could not send usage statistics: HTTP 503"],
            ["W cache server timed out"],
            ["W page 404: 100 rows", "W 500 rows in page 3"],
            ["W page 9: HTTP Error 404: Not Found"],
            ["W could not load uvloop"],
            ["W file orders_3.csv has a byte order mark, ignored"],
            ["W ignoring unknown field 'x' in page 3"],
            ["W table orders_2025 not found, created"],
            ["W store 12 is closed on Sundays, skipped"],
            ["W order 17: customer not found", "W product 12 unavailable", "W order 33 cancelled"],
            ["W could not parse date of order 17, kept as text"],
            ["W closing idle connection: timed out after 300 s", "W connection closed"],
            ["W could not read /etc/odbcinst.ini, using defaults"],
            ["W primary timed out, switched to the replica"],
            ["I no more pages after page 7", "I timeouts: 0"],
        )
    ),
    ("stale-data-used", read("I no .env file found, using default settings")),
    ("stale-data-used", read("I using default timeout 30")),
    ("stale-data-used", read("W primary unreachable, using last replica")),
    ("stale-data-used", read("I could not reach the schema registry, using cached schema")),
    ("stale-data-used", read("W keyring service unavailable, using stored credentials")),
    ("stale-data-used", read("I server does not answer on port 5433, using default port")),
)  # fmt: skip


def findings(folder: Path, made: Made) -> Mapping[str, str]:
    events, steps, files = made
    report = analyze(run_dir(folder, events, steps=steps, files=files))
    return {one.rule: one.message for one in report.findings if one.severity != "note"}


@pytest.mark.parametrize(("rule", "made"), HITS)
def test_loss_in_a_driver_log_is_a_warning(tmp_path: Path, rule: str, made: Made) -> None:
    assert rule in findings(tmp_path, made)


@pytest.mark.parametrize(("rule", "made"), NEAR_MISSES)
def test_harmless_message_of_a_driver_is_no_finding(tmp_path: Path, rule: str, made: Made) -> None:
    assert rule not in findings(tmp_path, made)


def test_level_is_not_read_from_the_message(tmp_path: Path) -> None:
    events, steps, files = read("I table ERROR: insert failed 0 times on page 1")
    run = analyze(run_dir(tmp_path, events, steps=steps, files=files)).run
    assert [line.level for line in run.log_lines] == [""]


def test_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    messages = [f"I page {number}: fetched {number} of 9000" for number in range(1, 9001)]
    assert findings(tmp_path, read(*messages, rows=9000)) == {}


def test_logged_errors_are_counted(tmp_path: Path) -> None:
    records = [
        line for number in (3, 7, 9) for line in (f"E station {number}", *traceback("KeyError: 'temp'"))
    ]
    assert findings(tmp_path, read(*records)) == {
        "failure-logged": """succeeded, but logged 3 errors, the first: "station 3: KeyError: 'temp'\""""
    }


def test_chained_tracebacks_are_one_error(tmp_path: Path) -> None:
    cause = [
        *traceback("KeyError: 'temp'"),
        "- ",
        "- During handling of the above exception, another exception occurred:",
        "- ",
    ]
    (message,) = findings(
        tmp_path, read("E station 3", *cause, *traceback("ValueError: no temperature"))
    ).values()
    assert message == "succeeded, but its text log reports a failure: 'station 3: ValueError: no temperature'"


def test_record_that_was_also_printed_is_one_error(tmp_path: Path) -> None:
    printed = ["- ERROR:acme:station 3 is down", "E station 3 is down"]
    (message,) = findings(tmp_path, read(*printed)).values()
    assert message == "succeeded, but its text log reports a failure: 'station 3 is down'"


def test_printed_traceback_of_one_of_two_drivers_is_found(tmp_path: Path) -> None:
    steps = step("src", "acme.read", rows=100), step("load", "acme.load", "src", rows=100, mode="write")
    log = "\n".join(line[2:] for line in traceback("KeyError: 'temp'"))
    assert findings(tmp_path, ours(*steps, files={"worker.log": f"{log}\n"})) == {
        "failure-logged": """a step succeeded, but its text log reports a failure: "KeyError: 'temp'\""""
    }


@pytest.mark.parametrize("category", ["FutureWarning", "DeprecationWarning", "ResourceWarning"])
def test_warning_about_code_is_no_finding(tmp_path: Path, category: str) -> None:
    made = read(f"- /lib/acme.py:12: {category}: 12 rows were dropped", "I done")
    assert findings(tmp_path, made) == {}


def test_source_without_rows_names_the_logged_reason(tmp_path: Path) -> None:
    made = read("- could not reach https://api.example.com/orders, continuing without it", rows=0)
    message = findings(tmp_path, made)["zero-rows-from-source"]
    assert message.endswith(
        "; its text log says why: 'could not reach https://api.example.com/orders, continuing without it'"
    )


@pytest.mark.parametrize(
    ("line", "end"),
    [
        (
            "read timed out after 600 s, 0 records",
            "; its text log warns: 'read timed out after 600 s, 0 records'",
        ),
        ("/lib/acme.py:12: DeprecationWarning: use read_all", ""),
    ],
)
def test_source_without_rows_quotes_its_warning(tmp_path: Path, line: str, end: str) -> None:
    message = findings(tmp_path, read(f"W {line}", rows=0))["zero-rows-from-source"]
    assert message == f"produced 0 rows{end}"


def test_finding_names_the_numbers(tmp_path: Path) -> None:
    (message,) = findings(tmp_path, read("I GET /v2/invoices page=1 per_page=100 total_count=1342")).values()
    assert message == (
        "its text log reports 1,342 rows in total, and 100 were returned: 'GET /v2/invoices page=1 per_page=100 total_count=1342'"
    )


REFUSED = "W attempt 1: connection refused by api.acme.org, retrying"
TIMED_OUT = "E attempt 2: read timed out, retrying"
CURRENCY = ("ValueError", "order 17: unknown currency 'XTS'")
GIVEN_UP = ("RuntimeError", "load of orders failed after 3 attempts")
OVERCOME = [
    ([REFUSED, TIMED_OUT, "I attempt 3: ok"], CURRENCY),
    ([REFUSED, TIMED_OUT, "I fetched 340 orders"], CURRENCY),
    ([REFUSED, TIMED_OUT], CURRENCY),
    (["E connection reset by peer", "I reconnected"], ("RuntimeError", "order 17 has no customer")),
    (["E the request timed out", "W retrying in 5 s", "I fetched on the second try"], ("KeyError", "'city'")),
]
LASTING = [
    ([REFUSED, TIMED_OUT], GIVEN_UP),
    ([REFUSED, TIMED_OUT, "E giving up after 3 attempts"], ("ValueError", "orders of day '2026-11-20'")),
    ([REFUSED, TIMED_OUT], ("ValueError", "received 0 rows of 'orders'")),
    ([REFUSED, TIMED_OUT], ("AttributeError", "'NoneType' object has no attribute 'json'")),
    (["I attempt 1: ok", TIMED_OUT], ("RuntimeError", "extraction failed")),
    (["E read timed out"], ("RuntimeError", "extraction failed")),
]


def failing(folder: Path, lines: Sequence[str], error: tuple[str, str]) -> str:
    """Return the rule of the root cause of a step that logged these lines and failed."""
    events, steps, files = ours(step("src", "acme.orders", rows=100), files=worker_log("src", *lines))
    failed = {"step_id": "src", "driver": "acme.orders", "error_type": error[0], "error": error[1]}
    ends = [native("step_failed", 2, **failed), native("run_end", 3, status="failed")]
    cause = analyze(run_dir(folder, [*events[:2], *ends], steps=steps, files=files)).root_cause
    assert cause is not None
    return cause.rule


@pytest.mark.parametrize(("lines", "error"), OVERCOME)
def test_failure_overcome_by_a_retry_is_no_cause(
    tmp_path: Path, lines: list[str], error: tuple[str, str]
) -> None:
    assert failing(tmp_path, lines, error) not in ("network-timeout", "connection-refused", "connection-lost")


@pytest.mark.parametrize(("lines", "error"), LASTING)
def test_failure_before_giving_up_is_the_cause(
    tmp_path: Path, lines: list[str], error: tuple[str, str]
) -> None:
    assert failing(tmp_path, lines, error) in ("network-timeout", "connection-refused")
