"""The sandbox: hostile solutions do no harm, are judged failed, and leave nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from reproduction.codegen import sandbox
from reproduction.codegen.sandbox import Limits, Unavailable

QUICK = Limits(seconds=1.5, memory=256 << 20, processes=16)
EVERY = ("namespaces", "bubblewrap")
FEW = ("an endless loop", "a memory hog", "a forker", "a hard exit", "a verdict on every file", "a look at the tests")
slow = pytest.mark.slow


@pytest.fixture(scope="module", params=["namespaces", pytest.param("bubblewrap", marks=slow)])
def isolation(request: pytest.FixtureRequest) -> str:
    try:
        return sandbox.available(request.param)
    except Unavailable as error:
        pytest.skip(f"NO {request.param.upper()}: {error}")


def judged(code: str, isolation: str, program: str = "assert f(2) == 3", limits: Limits = QUICK) -> dict[str, Any]:
    work = {"code": code, "kind": "program", "before": "", "program": program, "names": ["f"]}
    started = time.monotonic()
    verdict = sandbox.run(work, limits, isolation)
    assert time.monotonic() - started < limits.seconds + 10
    return verdict


def running(limits: Limits) -> list[str]:
    """The processes of a sandbox with these limits, which are in its command line."""
    mark = f'"seconds": {limits.seconds}'.encode()
    return [str(path) for path in Path("/proc").glob("[0-9]*/cmdline") if mark in _read(path)]


def left_behind(limits: Limits) -> list[str]:
    """Processes of a sandbox that still run a moment later."""
    end = time.monotonic() + 15
    while (found := running(limits)) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_right_and_wrong(isolation: str) -> None:
    assert judged("def f(x): return x + 1", isolation) == {"status": "pass"}
    wrong = judged("def f(x): return x", isolation)
    assert wrong == {"status": "fail", "detail": "AssertionError (line 1 of the tests)"}
    assert judged("def f(x) return x", isolation)["detail"].startswith("SyntaxError: ")
    assert judged("def g(x): return x", isolation)["detail"].startswith("KeyError: ")
    assert "ZeroDivisionError" in judged("def f(x): return x / 0", isolation)["detail"]


HOSTILE = {
    "an endless loop": "def f(x):\n    while True: pass",
    "an endless loop at the top": "while True: pass",
    "a sleeper": "import time\ndef f(x): time.sleep(3600)",
    "one that stops itself": "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGSTOP)",
    "a memory hog": "def f(x):\n    kept = []\n    while True: kept.append(bytearray(1 << 20))",
    "memory in several processes": (
        "import os, time\n"
        "def f(x):\n"
        "    for _ in range(6):\n"
        "        if os.fork() == 0:\n"
        "            kept = bytearray(os.urandom(1 << 10)) * (100 << 10)\n"
        "            time.sleep(60)\n"
        "    time.sleep(60)"
    ),
    "a writer of endless output": "import os\ndef f(x):\n    while True: os.write(1, b'x' * (1 << 20))",
    "an answer without end": "def f(x): return 'x' * (1 << 27)",
    "a filler of the disk": (
        "def f(x):\n"
        "    for i in range(10**6):\n"
        "        with open(f'/tmp/{i}', 'wb') as file: file.write(b'x' * (1 << 20))"
    ),
    "a forker": (
        "import os, time\n"
        "def f(x):\n"
        "    for _ in range(200):\n"
        "        if os.fork() == 0:\n"
        "            time.sleep(30)\n"
        "            os._exit(0)\n"
        "    return 3"
    ),
    "a daemon": (
        "import os, time\n"
        "def f(x):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(3600)\n"
        "        os._exit(0)\n"
        "    return 4"
    ),
    "an exit at the top": "import sys\nsys.exit(0)",
    "an exit": "import sys\ndef f(x): sys.exit(0)",
    "a hard exit at the top": "import os\nos._exit(0)",
    "a hard exit": "import os\ndef f(x): os._exit(0)",
    "one that kills all": "import os\ndef f(x): os.kill(-1, 9)",
    "one that kills the judge": "import os\ndef f(x): os.kill(1, 9); os.kill(1, 15); os.kill(1, 14)",
    "one that closes everything": "import os\nos.closerange(0, 1024)\ndef f(x): return 3",
    "a verdict on every file": (
        "import os\n"
        "for number in range(64):\n"
        "    try: os.write(number, b'{\"status\":\"pass\"}')\n"
        "    except OSError: pass\n"
        "os._exit(0)"
    ),
    "a verdict in the judge's output": (
        "import os\n"
        "def f(x):\n"
        "    for pid in (1, os.getppid()):\n"
        "        with open(f'/proc/{pid}/fd/1', 'wb') as file: file.write(b'{\"status\":\"pass\"}')\n"
        "    os._exit(0)"
    ),
    "a change of the judge's memory": (
        "import os\n"
        "def f(x):\n"
        "    with open('/proc/1/mem', 'r+b') as file: file.read(1)\n"
        "    return 3"
    ),
    "something that equals everything": (
        "class Same:\n"
        "    def __eq__(self, other): return True\n"
        "    def __bool__(self): return True\n"
        "def f(x): return Same()"
    ),
    "a number that equals everything": (
        "class Same(int):\n    def __eq__(self, other): return True\ndef f(x): return Same(7)"
    ),
    "another AssertionError": (
        "import builtins\n"
        "builtins.AssertionError = type('Nothing', (Exception,), {})\n"
        "builtins.__dict__['__debug__'] = False\n"
        "def f(x): return 4"
    ),
    "a look at the tests": (
        "import gc, sys\n"
        "def f(x):\n"
        "    seen = repr([frame.f_code for frame in sys._current_frames().values()]) + repr(gc.get_objects())\n"
        "    return 3 if ''.join(('assert ', 'f(2)')) in seen else 4"
    ),
    "a namespace in the namespace": (
        "import ctypes\n"
        "def f(x): return 3 if ctypes.CDLL(None).unshare(0x10000000) == 0 else 4"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name if name in FEW else pytest.param(name, marks=slow) for name in HOSTILE])
def test_the_hostile_are_judged_failed_and_leave_nothing(name: str, isolation: str) -> None:
    limits = Limits(seconds=1.0 + len(name) / 1000 + EVERY.index(isolation) / 7, memory=256 << 20, processes=16)
    verdict = judged(HOSTILE[name], isolation, limits=limits)
    assert verdict["status"] in ("fail", "timeout"), verdict
    assert left_behind(limits) == []


HOARDERS = {
    "answers that the judge keeps": "def f(x):\n    while True: yield [[]] * 200_000",
    "segments without a process": (
        "import ctypes, time\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.shmat.restype = ctypes.c_void_p\n"
        "def f(x):\n"
        "    for _ in range(8):\n"
        "        number = libc.shmget(0, ctypes.c_size_t(16 << 20), 0o1600)\n"
        "        place = libc.shmat(number, None, 0)\n"
        "        ctypes.memset(place, 1, 16 << 20)\n"
        "        libc.shmdt(ctypes.c_void_p(place))\n"
        "    time.sleep(60)"
    ),
}


@pytest.mark.parametrize("name", HOARDERS)
def test_memory_is_counted_wherever_it_is(name: str, isolation: str) -> None:
    verdict = judged(HOARDERS[name], isolation, "assert list(f(2)) == 3", Limits(seconds=30, memory=96 << 20))
    assert verdict == {"status": "fail", "detail": f"more than {96 << 20} bytes of memory"}


def test_what_tests_print_is_no_part_of_the_verdict(isolation: str) -> None:
    program = "print(chr(0xD800) * 100_000)\nassert f(2) == 3"
    assert judged("def f(x): return x + 1", isolation, program) == {"status": "pass"}
    assert judged("def f(x): return x", isolation, program)["detail"] == "AssertionError (line 2 of the tests)"


@slow
def test_what_is_out_of_time_or_memory_is_said(isolation: str) -> None:
    assert judged(HOSTILE["a sleeper"], isolation)["detail"] == "no end within 1.5 s"
    assert "MemoryError" in judged(HOSTILE["a memory hog"], isolation)["detail"]
    assert judged(HOSTILE["memory in several processes"], isolation)["detail"].startswith("more than 268435456 bytes")
    assert "Resource temporarily unavailable" in judged(HOSTILE["a forker"], isolation)["detail"]
    assert "No space left" in judged(HOSTILE["a filler of the disk"], isolation)["detail"]


def test_files_outside_are_not_seen(isolation: str, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    for path in (tmp_path, tmp_path / "kept.txt"):
        path.chmod(0o777)
    code = f"import shutil\ndef f(x):\n    shutil.rmtree({str(tmp_path)!r}, ignore_errors=True)\n    return 4"
    assert judged(code, isolation)["status"] == "fail"
    assert (tmp_path / "kept.txt").read_text() == "kept"
    code = "import os\ndef f(path): return os.path.exists(path)"
    places = [str(path) for path in (tmp_path, Path(__file__), "/etc/passwd", "/home", "/var")]
    assert judged(code, isolation, f"assert not any(map(f, {places!r}))")["status"] == "pass"


@slow
def test_nothing_but_scratch_can_be_written(isolation: str) -> None:
    code = (
        "import os\n"
        "def f(folder):\n"
        "    with open(os.path.join(folder, 'x'), 'w') as file: file.write('x')\n"
        "    return 3"
    )
    assert judged(code, isolation, "assert f('/tmp') == 3")["status"] == "pass"
    for folder in ("/", "/usr", "/usr/lib", "/dev", str(Path(os.__file__).parent)):
        assert judged(code, isolation, f"assert f({folder!r}) == 3")["status"] == "fail", folder


def test_nothing_of_the_environment_is_seen(isolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of this process")
    code = "import os\ndef f(x): return dict(os.environ)"
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    known = {"PATH", "LANG", "LC_CTYPE", "HOME", "TMPDIR", "PWD", *threads}
    program = f"assert set(f(0)) <= {known} and {threads}.items() <= f(0).items()"
    assert judged(code, isolation, program)["status"] == "pass"
    code = "def f(x): return open('/proc/1/environ').read()"
    assert "PermissionError" in judged(code, isolation)["detail"]


def test_nobody_is_called(isolation: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        met: list[Any] = []
        threading.Thread(target=lambda: met.append(server.accept()), daemon=True).start()
        code = f"import socket\ndef f(x): return socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 1)"
        assert judged(code, isolation)["status"] == "fail"
        assert met == []


def test_it_is_nobody_in_particular(isolation: str) -> None:
    code = "import os\ndef f(x): return os.getuid(), os.geteuid(), open('/proc/self/status').read()"
    program = (
        "user, effective, status = f(0)\n"
        "assert user == effective == 1000\n"
        "fields = dict(line.split(':', 1) for line in status.splitlines())\n"
        "assert {int(fields[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')} == {0}\n"
        "assert fields['NoNewPrivs'].strip() == '1'"
    )
    assert judged(code, isolation, program) == {"status": "pass"}


def test_objects_of_the_solution_are_used_from_afar(isolation: str) -> None:
    code = (
        "class Node:\n"
        "    def __init__(self, value): self.value, self.next = value, None\n"
        "def f(node):\n"
        "    while node is not None:\n"
        "        yield node.value\n"
        "        node = node.next\n"
    )
    program = (
        "first, second = Node(1), Node(2)\n"
        "first.next = second\n"
        "assert list(f(first)) == [1, 2] and first == first and first != second and first.next == second"
    )
    work = {"code": code, "kind": "program", "before": "", "program": program, "names": ["f", "Node"]}
    assert sandbox.run(work, QUICK, isolation) == {"status": "pass"}


def test_exceptions_that_tests_expect(isolation: str) -> None:
    program = "try: f('a')\nexcept ValueError as error: assert 'invalid literal' in str(error)\nelse: assert False"
    assert judged("def f(x): return int(x)", isolation, program)["status"] == "pass"
    assert judged("def f(x): return 0", isolation, program)["status"] == "fail"


@pytest.mark.parametrize("base", ["ValueError", "Exception"])
def test_exceptions_that_a_solution_derives_are_those_they_are_derived_from(base: str, isolation: str) -> None:
    program = f"try: f(2)\nexcept {base} as error: assert str(error) == 'Mine: no'\nelse: assert False"
    derived = "class Mine({}): pass\ndef f(x): raise Mine('no')"
    assert judged(derived.format("ValueError"), isolation, program) == {"status": "pass"}
    assert judged(derived.format("KeyError"), isolation, program.replace(base, "ValueError"))["status"] == "fail"


@pytest.mark.parametrize("raised", ["StopIteration", "type('Stop', (StopIteration,), {})", "AssertionError"])
def test_no_exception_ends_an_iteration_of_the_tests(raised: str, isolation: str) -> None:
    program = "assert all(a == b for a, b in zip(map(f, [1, 2]), [2, 3]))"
    assert judged("def f(x): return x + 1", isolation, program) == {"status": "pass"}
    assert judged(f"def f(x): raise {raised}", isolation, program)["status"] == "fail"


def test_a_solution_is_a_module_that_its_classes_can_look_up(isolation: str) -> None:
    code = (
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import get_type_hints\n"
        "@dataclass\n"
        "class Point:\n"
        "    x: int\n"
        "def f(x): return Point(x).x + (get_type_hints(Point) == {'x': int})"
    )
    assert judged(code, isolation) == {"status": "pass"}


# ---- where there is no sandbox --------------------------------------------------------------------------------------


def test_without_a_sandbox_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise Unavailable(f"not {arguments[2]}")

    monkeypatch.setattr(sandbox, "run", refuse)
    monkeypatch.setattr(sandbox, "available", sandbox.available.__wrapped__)
    with pytest.raises(Unavailable, match=r"in a sandbox only.*namespaces: not namespaces; bubblewrap: not.*--unsafe"):
        sandbox.available()
    assert sandbox.available("none") == "none"


@slow
@pytest.mark.parametrize(
    "name", ["an endless loop", "a memory hog", "a hard exit", "an exit", "a writer of endless output", "a sleeper"]
)
def test_limits_hold_without_a_sandbox(name: str) -> None:
    limits = Limits(seconds=1.0 + len(name) / 1000 + 0.5, memory=256 << 20)
    assert judged(HOSTILE[name], "none", limits=limits)["status"] in ("fail", "timeout")
    assert left_behind(limits) == []


def test_its_folder_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "def f(x):\n    open('here.txt', 'w').write('x')\n    return 3"
    assert judged(code, "none")["status"] == "pass"
    assert list(tmp_path.iterdir()) == []


@slow
def test_killed_outright_it_leaves_nothing(isolation: str) -> None:
    """Not even the process that started the sandbox need be there to clear it away."""
    limits = Limits(seconds=61.25)
    program = (
        "from reproduction.codegen import sandbox\n"
        "work = {'code': 'import time\\nwhile True: time.sleep(1)', 'kind': 'program', 'before': '', 'program': '',"
        " 'names': []}\n"
        f"sandbox.run(work, sandbox.Limits(seconds={limits.seconds}), {isolation!r})"
    )
    path = str(Path(sandbox.__file__).resolve().parents[2])
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path})
    end = time.monotonic() + 20
    while len(running(limits)) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(running(limits)) >= 2
    process.kill()
    process.wait()
    assert left_behind(limits) == []
