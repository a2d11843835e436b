"""The plainest program that prints a log: ``python -m tests.bench.plain_loop LOG`` decodes, formats and writes each line."""

import sys

import orjson

with open(sys.argv[1], "rb") as log:  # noqa: PTH123  as plain as it can be
    for line in log:
        event = orjson.loads(line)
        sys.stdout.write(f"{event['seq']:>6}  {event['ts'][11:23]}  {event['step_id']}  {event['event']}  rows={event['rows']} rss_bytes={event['rss_bytes']}\n")  # fmt: skip
