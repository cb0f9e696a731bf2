"""One thread at a time where PyTensor works."""

from __future__ import annotations

import threading
import time

from twobytwo.infer.alone import in_turn


def test_two_threads_take_turns() -> None:
    inside, most = 0, 0

    @in_turn
    def work() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.01)
        inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
