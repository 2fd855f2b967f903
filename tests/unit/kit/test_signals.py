"""Cleaning up is not cut off."""

import os
import signal
import threading

import pytest

from tidewright.kit import signals


@pytest.mark.parametrize("number", signals.ENDING)
def test_a_signal_in_the_middle_changes_nothing(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with signals.undisturbed():
        os.kill(os.getpid(), number)
        after = True
    assert after
    assert signal.getsignal(number) is before


def test_another_thread_leaves_handlers_alone() -> None:
    found: list[object] = []

    def clean() -> None:
        with signals.undisturbed():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=clean)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
