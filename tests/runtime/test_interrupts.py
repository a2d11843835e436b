"""Signals that end a run in order, and those that are to mean nothing."""

import os
import signal
from collections.abc import Iterator

import pytest

from osiris_inspect.runtime.proxy.signals import SignalFlag

SIGNALS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)


@pytest.fixture
def ignored(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    yield
    signal.signal(number, before)


@SIGNALS
def test_a_signal_is_counted_and_strikes_nothing(number: signal.Signals) -> None:
    with SignalFlag() as interrupts:
        os.kill(os.getpid(), number)
        assert interrupts.is_set


@SIGNALS
def test_what_listened_before_listens_again_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with SignalFlag():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


@SIGNALS
@pytest.mark.usefixtures("ignored")
def test_a_signal_that_is_ignored_stays_ignored_as_under_nohup(number: signal.Signals) -> None:
    with SignalFlag() as interrupts:
        os.kill(os.getpid(), number)
        assert not interrupts.is_set
