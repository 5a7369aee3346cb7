"""How many threads this process uses: compiled code, the search, BLAS and OpenVINO."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
_limit = {"threads": 0}


def use_threads(count: int) -> None:
    """Set how many threads this process uses; 0 for all cores. Changes the speed only."""
    _limit["threads"] = count


def thread_limit() -> int:
    """Return what `use_threads` set; 0 where nothing did."""
    return _limit["threads"]


def thread_count() -> int:
    """Return how many threads are used."""
    return thread_limit() or cores()


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(task: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Carry out a task for each item, on as many threads as are used."""
    count = min(thread_count(), len(items))
    if count < 2:
        for item in items:
            task(item)
        return
    with ThreadPoolExecutor(count) as pool:
        for _ in pool.map(task, items):
            pass


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


def limit_blas_threads() -> AbstractContextManager[object]:
    """Limit BLAS to one thread: small products on many threads wait for each other."""
    limiter: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limiter
