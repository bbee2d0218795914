"""Signals become exceptions while a run lasts, and are what they were afterwards."""

from __future__ import annotations

import os
import signal

import pytest

from blogd.daemon.exits import StopRequest, stop_signals


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_BLOCK, [])  # handlers run before this returns


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_run(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(StopRequest) as stop, stop_signals():
        send(number)
    assert stop.value.signal is number
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            send(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_does_not_cut_the_cleaning_up_short() -> None:
    with stop_signals():
        with pytest.raises(StopRequest):
            send(signal.SIGHUP)
        send(signal.SIGTERM)
        send(signal.SIGHUP)


def test_whatever_lets_ctrl_c_through_lets_a_stop_through() -> None:
    assert issubclass(StopRequest, KeyboardInterrupt)
