"""A process that sniffs one range of a long log for another process, which holds the index.

``python -m osiris_inspect.inspector.event_log.index.scan_worker LOG COLUMNS BEGIN END SIZE``: the open descriptors of the log and of the file
for its columns, the range, and the bytes of a block. It tells of each block on stdout, and ends when nobody listens any
more.
"""

import os
import signal
import sys

from osiris_inspect.inspector.event_log.index.name_codes import NameTable
from osiris_inspect.inspector.event_log.index.scan_result import BlockEncoder, scan_blocks
from osiris_inspect.inspector.event_log.index.scanner import LineScanner

MOST_NAMES = 65535


def main(arguments: list[str]) -> None:
    """Sniff what the arguments name."""
    # who is asked to stop ends quietly, also when nobody listens: the one that holds the index sees to the rest
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    log, columns, begin, end, size = map(int, arguments)
    scan_range(log, (begin, end), size, columns=columns, out=sys.stdout.fileno())


def scan_range(log: int, part: tuple[int, int], size: int, *, columns: int, out: int) -> None:
    """Sniff the lines of a range, and tell of each block. Where names outnumber their codes, leave the rest."""
    sniffer = LineScanner(NameTable(MOST_NAMES), NameTable(MOST_NAMES))
    teller = BlockEncoder(sniffer)
    for block in scan_blocks(log, part[0], sniffer, until=part[1], size=size):
        if sniffer.event_names.is_full or sniffer.steps.is_full:
            return
        line, numbers = teller.to_message(block)
        _write(columns, numbers)
        _write(out, line)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main(sys.argv[1:])
