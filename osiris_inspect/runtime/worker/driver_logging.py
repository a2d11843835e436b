"""Log records of drivers in the worker's log."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def driver_logging(step_id: str) -> Iterator[None]:
    """Print the log records of drivers and libraries while a step runs, each with its time, level and step.

    In every mode what a driver prints is written to the worker's log.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s - %(name)s - [step {step_id}] - %(levelname)s - %(message)s")
    )
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
