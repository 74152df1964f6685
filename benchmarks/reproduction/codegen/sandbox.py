"""A sandbox for one solution: started, given its work, waited for, and taken down whatever happens."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from .inside.isolation import ID, NOBODY, visible

_MODULES = ("codec", "isolation", "candidate", "judge")
_BOOT = """
import json, sys, types
modules, settings = map(json.loads, sys.argv[1:])
sys.modules["inside"] = types.ModuleType("inside")
for name, text in modules:
    module = sys.modules["inside." + name] = types.ModuleType("inside." + name)
    module.__package__ = "inside"
    setattr(sys.modules["inside"], name, module)
    exec(compile(text, name, "exec"), module.__dict__)
module.main(settings)
"""
_NOTHING = {"code": "", "kind": "program", "before": "", "program": "", "names": []}
# One thread for numpy's libraries: as many as the machine has processors may be more than a solution's limits allow.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp", **_THREADS}
_GRACE = 5.0  # seconds to start and to end, besides those of the work


class Unavailable(RuntimeError):
    """The system has no sandbox that is good enough; the message says why and what to do."""


class TooLittle(ValueError):
    """Limits within which nothing runs."""


@dataclass(frozen=True)
class Limits:
    """What a solution may use: seconds of wall clock for all its tests, and of the processor for each process; bytes of
    address space for each process and of memory for all together; bytes of one file and of all; open files; processes
    and threads."""

    seconds: float = 10.0
    memory: int = 1 << 30
    file_bytes: int = 16 << 20
    scratch_bytes: int = 32 << 20
    files: int = 64
    processes: int = 32


@functools.cache
def available(which: str = "auto") -> str:
    """How solutions are kept apart here: "namespaces", or else "bubblewrap"; tried out, not guessed.

    `which` names one of them, or "none", which keeps nothing apart.  Raises Unavailable.
    """
    if which == "none":
        return which
    reasons = []
    for isolation in ("namespaces", "bubblewrap") if which == "auto" else (which,):
        try:
            found = run(_NOTHING, Limits(), isolation)
            if found["status"] == "pass":
                return isolation
            reasons.append(f"{isolation}: {found['detail']}")
        except Unavailable as error:
            reasons.append(f"{isolation}: {error}")
    raise Unavailable(
        f"programs that nobody has read are run in a sandbox only, and there is none here ({'; '.join(reasons)}); "
        "allow unprivileged user namespaces, install bubblewrap, or say --unsafe where nothing can be lost"
    )


def check(limits: Limits, isolation: str) -> None:
    """Raises TooLittle where not even an empty solution ends within the limits: every one would be called wrong."""
    waiting = min(0.2, limits.seconds / 2)  # until memory was looked at a few times
    found = run({**_NOTHING, "program": f"import time\ntime.sleep({waiting})"}, limits, isolation)
    if found["status"] != "pass":
        raise TooLittle(f"not even an empty solution passes within the limits: {found['detail']}")


def run(work: dict[str, Any], limits: Limits, isolation: str) -> dict[str, Any]:
    """The verdict on a solution: `status` is "pass", "fail" or "timeout", `detail` says more.

    `work` has the `code`, a `kind` and what that needs (see `inside.judge`).  Nothing is left when this returns or
    raises: no process, no file.  Raises Unavailable where the sandbox could not be set up.
    """
    seconds = work.get("seconds", limits.seconds)
    settings = {"isolation": isolation, "limits": {**asdict(limits), "seconds": seconds}, "parent": os.getpid()}
    payload = json.dumps({**work, "seconds": seconds}).encode("ascii")
    with _scratch(isolation) as folder:
        process = _started(settings, folder)
        try:
            found, errors = _talk(process, payload, seconds + _GRACE)
        except subprocess.TimeoutExpired:
            return {"status": "timeout", "detail": f"no verdict within {seconds + _GRACE:g} s"}
        finally:
            _end(process)
    if process.returncode == 3 or (not found and b"bwrap" in errors):
        raise Unavailable(errors.decode("utf-8", "replace").strip() or "it could not be started")
    try:
        verdict: dict[str, Any] = json.loads(found)
    except ValueError:
        return {"status": "fail", "detail": "no verdict: the judge was ended"}
    return verdict


def _talk(process: subprocess.Popen[bytes], payload: bytes, seconds: float) -> tuple[bytes, bytes]:
    return process.communicate(payload, timeout=seconds)


def _started(settings: dict[str, Any], folder: str | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-B", "-c", _BOOT, _modules(), json.dumps(settings)]
    user = None
    if settings["isolation"] == "bubblewrap":
        user = NOBODY if os.geteuid() == 0 else None
        command = [*_bubblewrap(settings["limits"]["scratch_bytes"]), *command]
    environment = dict(_ENVIRONMENT) if folder is None else {**_ENVIRONMENT, "HOME": folder, "TMPDIR": folder}
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            cwd=folder or "/", start_new_session=True, user=user, group=user,
            extra_groups=None if user is None else [],
        )  # fmt: skip
    except PermissionError as error:
        raise Unavailable(f"{error}; user {user} must be able to run {sys.executable}") from None


@functools.cache
def _modules() -> str:
    folder = resources.files(__package__ or "").joinpath("inside")
    return json.dumps([(name, folder.joinpath(f"{name}.py").read_text("utf-8")) for name in _MODULES])


def _bubblewrap(scratch_bytes: int) -> list[str]:
    program = shutil.which("bwrap")
    if program is None:
        raise Unavailable("bwrap is not installed")
    shown: list[str] = []
    for place in visible():
        path = Path("/", place)
        if path.is_symlink() and "/" not in place:
            shown += ["--symlink", str(path.readlink()), str(path)]
        else:
            shown += ["--ro-bind-try", str(path), str(path)]
    return [
        program, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
        "--as-pid-1", "--uid", str(ID), "--gid", str(ID), "--cap-drop", "ALL", "--size", str(scratch_bytes),
        "--tmpfs", "/tmp", *shown, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev",
        "--remount-ro", "/", "--chdir", "/tmp", "--",
    ]  # fmt: skip


@contextlib.contextmanager
def _scratch(isolation: str) -> Iterator[str | None]:
    """A folder to be in, where there is no sandbox that has one of its own."""
    if isolation != "none":
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="markovlib-", ignore_cleanup_errors=True) as folder:
        yield folder


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the process, its group, and with them the first process of the namespace and all in it."""
    for _ in range(2):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0)
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
