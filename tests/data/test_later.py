"""What is read later is read once, by whoever asks first."""

from __future__ import annotations

import pickle
import threading

import pytest

from twobytwo.data.later import Later


def test_nothing_is_read_before_somebody_asks_and_then_once() -> None:
    read: list[int] = []
    later = Later(lambda: read.append(1) or len(read))
    doubled = later.then(lambda value: 2 * value)
    assert read == []
    assert (doubled.get(), later.get(), doubled.get(), read) == (2, 1, 2, [1])


def test_threads_that_ask_together_share_one_reading() -> None:
    read: list[int] = []
    gate = threading.Barrier(4)
    later = Later(lambda: read.append(1) or 42)

    def ask() -> None:
        gate.wait()
        assert later.get() == 42

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [1]


def test_a_reading_that_fails_is_tried_again() -> None:
    answers = iter([ValueError("not yet"), 7])

    def read() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    later = Later(read)
    with pytest.raises(ValueError, match="not yet"):
        later.get()
    assert later.get() == 7


def test_a_copy_for_another_process_has_the_value() -> None:
    assert pickle.loads(pickle.dumps(Later.of([1, 2]))).get() == [1, 2]


def test_a_value_and_what_reads_it_are_taken_alike() -> None:
    later = Later(lambda: 3)
    assert Later.of(later) is later
    assert Later.of(3).get() == 3
