"""Doing several things at once: the same to many, or one beside whatever comes next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar, cast, final

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], things: Iterable[T], *, at_once: int = 3) -> list[R]:
    """What ``work`` returns for each thing, in the order of ``things``.

    The first error ends it: nothing further is begun and the error is raised here, as is a signal that arrives while
    waiting. Threads that are still busy then are not waited for; they are daemons, and their servers go away.
    """
    waiting = list(enumerate(things))
    waiting.reverse()
    done: SimpleQueue[tuple[int, R | None, BaseException | None]] = SimpleQueue()
    results: dict[int, R] = {}

    def worker() -> None:
        while True:
            try:
                number, thing = waiting.pop()
            except IndexError:
                return
            try:
                done.put((number, work(thing), None))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which raises it
                waiting.clear()
                done.put((number, None, error))

    count = len(waiting)
    for _ in range(min(at_once, count)):
        threading.Thread(target=worker, daemon=True).start()
    try:
        for _ in range(count):
            number, result, error = done.get()
            if error is not None:
                raise error
            results[number] = result  # pyright: ignore[reportArgumentType] - there is a result where there is no error
    finally:
        waiting.clear()
    return [results[number] for number in range(count)]


@final
class Beside(Generic[R]):
    """Work that is done beside whatever its caller does until it asks for the result."""

    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self._thread: threading.Thread | None = None
        self._result: R | None = None
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Begin now; a second time does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def result(self) -> R:
        """What the work returned or raised, awaited; it begins now unless it was begun before."""
        self.begin()
        assert self._thread is not None
        self._thread.join()
        if self._error is not None:
            raise self._error
        return cast("R", self._result)

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks, which raises it
            self._error = error
