"""Shards made by processes and clusters: the same bytes, whoever makes them and however often a worker is lost."""

import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import chdir, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from effort import slow_but
from folders import snapshot
from sabotage import MOMENTS, Sabotaged

from markovlib import Recipe
from markovlib.cluster import open_executor, processes
from markovlib.shards import coordination, folder, formats, manifest, work
from markovlib.shards.coordination import WorkerError
from markovlib.shards.folder import ShardError
from markovlib.shards.generation import generate
from markovlib.shards.plan import make_plan, restore_plan
from markovlib.shards.stores import LocalStore, open_store
from markovlib.shards.verification import verify

RECIPE = Recipe.load("paper/no-op").replace({"rules.pattern_length": 3, "words.length": 12, "examples": 1300})
OPTIONS = {"seed": 5, "shard_rows": 100}


def identities(path):
    return {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in path.glob("*/part-*")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What threads write."""
    out = tmp_path_factory.mktemp("whole")
    generate(RECIPE, out / "a", **OPTIONS)
    return snapshot(out / "a")


@pytest.fixture(scope="module", autouse=True)
def _importable():
    """Let processes and clusters that are started here find what these tests send them."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), before]))
    yield
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


def not_sanitized():
    if "MARKOVLIB_SANITIZED" in os.environ:
        pytest.skip("clusters are not started under sanitizers, which their own processes would have to bear")


@pytest.fixture(scope="module")
def dask():
    not_sanitized()
    distributed = pytest.importorskip("distributed")
    configuration = pytest.importorskip("dask.config")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    # A worker that comes too late on a busy machine is not started again, and a cluster without any waits for ever.
    with configuration.set({"distributed.comm.timeouts.connect": "300s"}):
        cluster = distributed.LocalCluster(**options)
        with cluster, distributed.Client(cluster) as client, client.get_executor() as executor:
            executor.address = cluster.scheduler_address
            yield executor


@pytest.fixture(scope="module")
def ray(tmp_path_factory):
    not_sanitized()
    ray = pytest.importorskip("ray")
    from markovlib.cluster import RayExecutor

    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_raylet_start_wait_time_s": "300"}
    # Ray puts the current folder first on its workers' path: here that may be a clone which is installed, not built.
    with chdir(tmp_path_factory.mktemp("ray")):
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    with RayExecutor(num_cpus=1) as executor:
        yield executor
    ray.shutdown()


CLUSTERS = slow_but(["dask"], ["dask", "ray"])


@pytest.mark.parametrize("format_name", slow_but(["parquet", "tokens"], formats.MODULES))
def test_processes_write_what_threads_write(tmp_path, format_name):
    generate(RECIPE, tmp_path / "threads", format=format_name, **OPTIONS)
    with processes(2) as executor:
        generate(RECIPE, tmp_path / "processes", format=format_name, executor=executor, **OPTIONS)
    assert snapshot(tmp_path / "processes") == snapshot(tmp_path / "threads")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("moment", slow_but(["written"], MOMENTS))
def test_a_cluster_that_loses_a_worker_writes_what_threads_write(tmp_path, whole, request, cluster, moment):
    executor = Sabotaged(request.getfixturevalue(cluster), tmp_path, 4, moment)
    (written,) = generate(RECIPE, tmp_path / "a", executor=executor, **OPTIONS)
    assert (tmp_path / "killed-0").exists()
    assert snapshot(tmp_path / "a") == whole
    assert (written.kept, written.shards) == (0, 13)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_goes_on_where_threads_were_interrupted(tmp_path, whole, request, cluster):
    class Enough(Exception):
        pass

    def stop(progress):
        if progress.rows >= 600:
            raise Enough

    with pytest.raises(Enough):
        generate(RECIPE, tmp_path / "a", progress=stop, threads=1, **OPTIONS)
    before = identities(tmp_path / "a")
    assert before
    states = []
    executor = request.getfixturevalue(cluster)
    (written,) = generate(RECIPE, tmp_path / "a", executor=executor, progress=states.append, **OPTIONS)
    assert snapshot(tmp_path / "a") == whole
    assert written.kept == len(before)
    assert before.items() <= identities(tmp_path / "a").items()
    assert states[-1].rows == 1300


@pytest.mark.parametrize("moment", slow_but(["written"], MOMENTS))
def test_a_pool_that_breaks_is_one_error_and_the_work_can_go_on(tmp_path, whole, moment):
    out = tmp_path / "a"
    with processes(2) as pool, pytest.raises(WorkerError, match=r"its worker was lost .* run the same command again"):
        generate(RECIPE, out, executor=Sabotaged(pool, tmp_path, 7, moment), **OPTIONS)
    assert not list(out.rglob("*.tmp"))
    assert not (out / manifest.NAME).exists()
    kept = identities(out)
    for path in out.glob("*/part-*"):
        assert path.read_bytes() == whole[f"train/{path.name}"]
    with processes(2) as pool:
        (written,) = generate(RECIPE, out, executor=pool, **OPTIONS)
    assert written.kept == len(kept)
    assert kept.items() <= identities(out).items()
    assert snapshot(out) == whole


class Losing(Executor):
    """An executor that goes on without the workers that it loses: some calls never give their answer."""

    def __init__(self, losses, after=False):
        self._losses = dict(losses)
        self._after = after

    def submit(self, fn, /, job, number, *rest):
        future = Future()
        if self._losses.get(number, 0) > 0:
            self._losses[number] -= 1
            if self._after:
                fn(job, number, *rest)
            future.set_exception(ConnectionError("node 3 does not answer"))
        else:
            future.set_result(fn(job, number, *rest))
        return future


@pytest.mark.parametrize("after", [False, True])
def test_a_shard_is_tried_four_times(tmp_path, whole, after):
    generate(RECIPE, tmp_path / "a", executor=Losing({0: 3, 5: 1, 12: 2}, after), **OPTIONS)
    assert snapshot(tmp_path / "a") == whole
    with pytest.raises(WorkerError, match=r"part-00005\.parquet: .*ConnectionError: node 3 does not answer"):
        generate(RECIPE, tmp_path / "b", executor=Losing({5: coordination.TRIES}, after), **OPTIONS)
    assert not list(tmp_path.rglob("*.tmp"))
    generate(RECIPE, tmp_path / "b", **OPTIONS)
    assert snapshot(tmp_path / "b") == whole


def test_an_error_of_the_work_is_not_tried_again(tmp_path, monkeypatch):
    tried = []

    def fill(*_):
        tried.append(1)
        raise OSError(28, "No space left on device", "part")

    monkeypatch.setattr(work, "_fill", fill)
    with pytest.raises(OSError, match="No space left"):
        generate(RECIPE, tmp_path / "a", executor=Losing({}), **OPTIONS)
    assert len(tried) == 13  # all had been handed out


class Twice(Executor):
    """Every shard is made by two workers at once; the answer is that of either."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(4)

    def submit(self, fn, /, *args):
        zombie = self._pool.submit(fn, *args)
        return self._pool.submit(lambda: (fn(*args), zombie.result())[args[1] % 2])


def test_two_workers_at_one_shard_do_not_meet(tmp_path, whole):
    generate(RECIPE, tmp_path / "a", executor=Twice(), **OPTIONS)
    assert snapshot(tmp_path / "a") == whole


class Late(Executor):
    """Answers that the first try of every shard was lost, and runs it when the job is over."""

    def __init__(self):
        self.late = []

    def submit(self, fn, /, *args):
        future = Future()
        if args[1] not in {number for _, (_, number, *_) in self.late}:
            self.late.append((fn, args))
            future.set_exception(ConnectionError("lost"))
        else:
            future.set_result(fn(*args))
        return future


def test_a_worker_that_comes_too_late_leaves_nothing(tmp_path, whole):
    executor = Late()
    generate(RECIPE, tmp_path / "a", executor=executor, **OPTIONS)
    before = identities(tmp_path / "a")
    for fn, args in executor.late:
        answer = fn(*args)
        assert isinstance(answer.error, FileNotFoundError)
    assert snapshot(tmp_path / "a") == whole
    assert identities(tmp_path / "a") == before


def test_a_worker_that_writes_while_the_job_ends_leaves_nothing(tmp_path):
    """Drafts appear in the folder again and again while it is removed."""
    for _ in range(20):
        with folder.drafts(tmp_path) as drafts:
            stop = threading.Event()

            def write(drafts=drafts, stop=stop):
                for number in range(10_000):
                    if stop.is_set():
                        return
                    try:
                        (drafts / str(number)).touch()
                    except FileNotFoundError:
                        return

            thread = threading.Thread(target=write)
            thread.start()
            time.sleep(0.002)
        stop.set()
        thread.join()
        assert not list(tmp_path.iterdir())


def test_a_job_travels_as_its_description_and_is_made_by_the_same_versions_alone(tmp_path, monkeypatch):
    plan = make_plan(RECIPE, "train", 5, "jsonl", ("prompt", "index"), 100)
    job = work.Job.of(plan, LocalStore(tmp_path), "drafts")
    (tmp_path / "train" / "drafts").mkdir(parents=True)
    again = pickle.loads(pickle.dumps(job))
    assert again.description == job.description
    assert str(again.store) == str(tmp_path)
    assert again.ready is None
    here, there = work.make_shard(job, 3), work.make_shard(again, 3)
    assert here.entry == there.entry
    assert set(here.drafts).isdisjoint(there.drafts)
    monkeypatch.setattr("markovlib.shards.plan.__version__", "9.9")
    restore_plan.cache_clear()
    answer = pickle.loads(pickle.dumps(work.make_shard(again, 3)))
    assert isinstance(answer.error, ShardError)
    assert str(answer.error).startswith('a worker would write other shards: markovlib is "9.9" there, ')


def test_a_worker_in_another_process_works_a_plan_out_once(tmp_path):
    """Each shard is sent as a job of its own."""
    plan = make_plan(RECIPE, "train", 5, "jsonl", ("prompt",), 100)
    stores = [LocalStore(tmp_path), LocalStore(tmp_path / "other")]
    if find_spec("fsspec"):
        stores += [open_store("memory://bucket/x"), open_store("memory://bucket/y")]
    for store in stores:
        data = pickle.dumps(work.Job.of(plan, store, "drafts"))
        first, again = pickle.loads(data), pickle.loads(data)
        assert first.store == again.store
        assert hash(first.store) == hash(again.store)
        assert [other for other in stores if other == first.store] == [store]
        assert first.plan is again.plan


def test_an_error_that_does_not_pickle_travels_as_text():
    class Local(Exception):
        pass

    answer = pickle.loads(pickle.dumps(work.Failed(Local("what it was"))))
    assert isinstance(answer.error, ShardError)
    assert str(answer.error) == "Local: what it was"
    kept = pickle.loads(pickle.dumps(work.Failed(OSError(28, "No space", "x")))).error
    assert (kept.errno, kept.filename) == (28, "x")


def test_workers_that_do_not_see_the_folder_say_so(tmp_path):
    class Elsewhere(Executor):
        def submit(self, fn, /, job, *args):
            future = Future()
            other = work.Job(job.description, LocalStore(tmp_path / "other"), job.drafts)
            future.set_result(fn(other, *args))
            return future

    with pytest.raises(FileNotFoundError, match="other/train/part-00000"):
        generate(RECIPE, tmp_path / "a", executor=Elsewhere(), **OPTIONS)


@contextmanager
def command(*args):
    script = "from markovlib.cli import main; main()"
    child = subprocess.Popen([sys.executable, "-c", script, *map(str, args)], stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


ARGUMENTS = ["generate", "paper/no-op", "--set", "rules.pattern_length=3", "--set", "words.length=12"]
ARGUMENTS += ["--examples", 1300, "--seed", 5, "--shard-rows", 100]


def test_the_command_takes_an_executor(tmp_path, whole):
    with command(*ARGUMENTS, "--executor", "processes", "--threads", 2, "--out", tmp_path / "a") as child:
        _, said = child.communicate(timeout=120)
    assert "train: 1,300 rows, 13 shards" in said
    assert snapshot(tmp_path / "a") == whole
    assert verify(tmp_path / "a").ok
    with command(*ARGUMENTS, "--executor", "slurm", "--out", tmp_path / "b") as child:
        _, said = child.communicate(timeout=120)
    assert said.startswith("markovlib: error: unknown executor 'slurm': give processes, dask://HOST:PORT")
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_command_takes_a_dask_scheduler(tmp_path, whole, dask):
    address = dask.address.replace("tcp://", "dask://")
    with command(*ARGUMENTS, "--executor", address, "--out", tmp_path / "a") as child:
        _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    assert snapshot(tmp_path / "a") == whole


def test_processes_end_with_the_one_that_started_them(tmp_path):
    """SIGKILL leaves the pool no time to end its processes; they see for themselves that they are alone."""
    script = """
import os, sys, time
from pathlib import Path
from markovlib.cluster import processes
def main():
    with processes(2) as pool:
        children = [pool.submit(os.getpid) for _ in range(8)] and list(pool._processes)
        pool.submit(os.getpid).result()
        Path(sys.argv[1]).write_text(" ".join(map(str, children)))
        pool.submit(time.sleep, 60).result()
if __name__ == "__main__":
    main()
"""
    (tmp_path / "script.py").write_text(script)
    child = subprocess.Popen([sys.executable, str(tmp_path / "script.py"), str(tmp_path / "pids")])
    deadline = time.monotonic() + 60
    while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    child.kill()
    child.wait()
    while any(map(alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("ray")
def test_the_executor_for_ray_keeps_the_contract_of_executors():
    from markovlib.cluster import RayExecutor

    executor = RayExecutor(num_cpus=1)
    assert list(executor.map(pow, [2, 3], [5, 2])) == [32, 9]
    assert executor.submit(int, "11", base=2).result() == 3
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result()
    slow = [executor.submit(time.sleep, 600) for _ in range(4)]
    time.sleep(1)
    executor.shutdown(wait=True, cancel_futures=True)
    assert all(future.cancelled() for future in slow)
    with pytest.raises(RuntimeError, match="shut down"):
        executor.submit(abs, 1)


@pytest.mark.parametrize("name", ["dask://127.0.0.1:1", "ray"])
def test_a_cluster_library_that_is_missing_is_named_with_its_extra(name, monkeypatch):
    for module in ("distributed", "ray"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install '\.\[(dask|ray)\]'"), open_executor(name):
        pass
