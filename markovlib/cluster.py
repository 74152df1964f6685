"""Executors for work that needs more than threads: processes, Dask and Ray.

`markovlib.shards.generation.generate(..., executor=E)` takes any executor of `concurrent.futures`: Dask's
`Client.get_executor()` and mpi4py's `MPIPoolExecutor` are such as they are, Ray gets one here.  The rows are the same
whichever makes them.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, InvalidStateError, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")

NAMES = "processes, dask://HOST:PORT, ray or ray://HOST:PORT"


@contextmanager
def open_executor(name: str, workers: int | None = None) -> Iterator[Executor]:
    """Open the executor that a name stands for, and close it at the end.

    `processes` are `workers` of this machine, by default one for each processor; `dask://HOST:PORT` is the scheduler
    of a Dask cluster; `ray` the Ray cluster that this machine belongs to, or a new one of it alone; `ray://HOST:PORT`
    one that is reached through its client server.

    Raises ValueError for another name, ImportError where Dask or Ray is not installed, OSError where nothing answers.

    >>> with open_executor("processes", 2) as executor:
    ...     list(executor.map(abs, [-1, 2]))
    [1, 2]
    """
    kind, _, address = name.partition("://")
    if name == "processes":
        with processes(workers) as executor:
            yield executor
    elif kind == "dask" and address:
        with _dask(address) as executor:
            yield executor
    elif kind == "ray" and (address or name == "ray"):
        with _ray(name if address else None) as executor:
            yield executor
    else:
        raise ValueError(f"unknown executor {name!r}: give {NAMES}")


@contextmanager
def processes(workers: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of processes that end when this one does, even if it is killed.

    They are started afresh rather than forked, so that no thread of this process is copied half-way.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent) as executor:
        yield executor


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for, args=(parent,), daemon=True).start()


def _wait_for(parent: Any) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise ImportError("Dask is not installed: pip install '.[dask]' in the clone of markovlib") from None
    with Client(f"tcp://{address}") as client, client.get_executor() as executor:
        yield executor


@contextmanager
def _ray(address: str | None) -> Iterator[Executor]:
    ray = _import_ray()
    try:
        ray.init(address=address or "auto", log_to_driver=False)
    except ConnectionError:
        if address is not None:
            raise
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        with RayExecutor() as executor:
            yield executor
    finally:
        ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ImportError("Ray is not installed: pip install '.[ray]' in the clone of markovlib") from None
    return ray


class RayExecutor(Executor):
    """An executor of `concurrent.futures` whose calls are Ray tasks.

    Ray must have been started or joined with `ray.init`; `options` are those of `ray.remote`, such as `num_cpus`.
    Shutting the executor down leaves Ray running.  A task whose worker dies is run again by Ray, by default three
    times (`max_retries`).

    ```
    ray.init("auto")
    generate("paper/no-op", "/shared/data", executor=RayExecutor(num_cpus=1))
    ```
    """

    def __init__(self, **options: Any) -> None:
        self._ray = _import_ray()
        self._call = self._ray.remote(**options)(_call) if options else self._ray.remote(_call)
        self._lock = threading.Lock()
        self._pending: set[_RayFuture[Any]] = set()
        self._closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run `fn(*args, **kwargs)` as a task; raises RuntimeError after `shutdown`."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the executor has been shut down")
            future: _RayFuture[T] = _RayFuture(self._ray, self._call.remote(fn, args, kwargs))
            self._pending.add(future)
        future.add_done_callback(self._forget)
        future.follow()
        return future

    def _forget(self, future: Any) -> None:
        with self._lock:
            self._pending.discard(future)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; `wait` for those that run, `cancel_futures` first."""
        with self._lock:
            self._closed = True
            pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            for future in pending:
                with suppress(Exception):
                    future.exception()


def _call(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return function(*args, **kwargs)


class _RayFuture(Future[T]):
    """A future that follows a Ray task, and whose cancellation reaches it."""

    def __init__(self, ray: Any, reference: Any) -> None:
        super().__init__()
        self._ray = ray
        self._reference = reference

    def follow(self) -> None:
        self._reference.future().add_done_callback(self._take)

    def cancel(self) -> bool:
        """Cancel the call, also one that runs: Ray interrupts its task."""
        if super().cancel():
            self._ray.cancel(self._reference)
        return self.cancelled()

    def _take(self, answer: Future[T]) -> None:
        with suppress(InvalidStateError):  # It may have been cancelled.
            error = answer.exception()
            if error is None:
                self.set_result(answer.result())
            else:
                self.set_exception(error)
