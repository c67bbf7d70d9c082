"""Every test here comes to an end, and what it starts can be interrupted."""

import signal

import pytest

LIMIT = 1800  # seconds that a test may take, with what it waits for


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if not hasattr(signal, "SIGALRM"):
        return (yield)

    def stop(number, frame):
        raise TimeoutError(f"{item.nodeid} has run for {LIMIT} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
