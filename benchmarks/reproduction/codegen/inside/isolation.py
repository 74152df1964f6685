"""Namespaces and limits: what a process gives up before it runs what is not trusted.

Linux's own calls, without a program in between: unshare(2), mount(2), pivot_root(2), mount_setattr(2) (Linux 5.12),
prctl(2), capset(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any

_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH, _AT_FDCWD, _AT_RECURSIVE = 2, -100, 0x8000
_READ_ONLY, _NO_SET_ID = 1, 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_SYS_MOUNT_SETATTR = 442
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522

ID = 1000
"""The user and the group that a sandbox's processes have in it."""

NOBODY = 65534
"""Who these processes are outside, where the superuser starts them."""

_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ALONE = ("etc/ld.so.cache",)
_DEVICES = ("null", "zero", "random", "urandom")


class Refused(OSError):
    """The system does not let a namespace be made."""


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise Refused(number, f"{what}: {os.strerror(number)}")


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(numbers: dict[str, int] | int, what: str, *arguments: Any) -> None:
    number = numbers if isinstance(numbers, int) else numbers.get(os.uname().machine)
    if number is None:
        raise Refused(f"{what}: not known on {os.uname().machine}")
    _checked(_libc().syscall(ctypes.c_long(number), *arguments), what)


def die_with_parent(parent: int | None = None) -> None:
    """Lets the kernel kill this process when the thread that started it ends; ends at once if `parent` has already."""
    if sys.platform == "linux":
        _checked(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def hide_memory() -> None:
    """Lets no other process of this user read or change this one's memory, or use its files."""
    if sys.platform == "linux":
        _checked(_libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl")


def enter(scratch_bytes: int) -> None:
    """Goes into namespaces of its own; what returns is their first process, with whose end all others in them end.

    It sees the system's programs and libraries and this Python, all read-only, an empty /tmp of `scratch_bytes`, its
    own /proc, no network; it is no superuser, here or outside, and can become none.  The process that called waits
    outside and takes the status over.  Raises Refused where the system does not allow it.
    """
    if sys.platform != "linux":
        raise Refused("namespaces are Linux's")
    superuser = os.geteuid() == 0
    others = _NEWPID | _NEWNS | _NEWNET | _NEWIPC | _NEWUTS | _NEWCGROUP
    if superuser:
        # Folders that only the superuser can read may be on the way to this Python: it becomes another user last.
        _checked(_libc().unshare(others), "unshare")
    else:
        _new_user_namespace(others)
    watched, held = os.pipe()
    child = os.fork()
    if child:
        _wait(child)
    os.close(held)
    _build_root(scratch_bytes)
    if superuser:
        os.chown("/tmp", NOBODY, NOBODY)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        _checked(_libc().prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")  # or its files in /proc are another's
        _new_user_namespace(0)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    drop_privileges()
    die_with_parent()
    if select.select([watched], [], [], 0)[0]:  # The process that waits outside ended before this one could ask that.
        os._exit(1)
    os.close(watched)


def _new_user_namespace(others: int) -> None:
    user, group = os.geteuid(), os.getegid()
    _checked(_libc().unshare(_NEWUSER | others), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{ID} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{ID} {group} 1")


def _wait(child: int) -> None:
    """Ends as the child does; what this process has open, it closes first, so that the child's end is seen."""
    os.closerange(0, 3)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0x7F)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    options = None if data is None else data.encode()
    _checked(_libc().mount(*encoded, ctypes.c_ulong(flags), options), f"mount {target}")


def _build_root(scratch_bytes: int) -> None:
    """A root in memory, in which what may be seen is mounted from the old one, which is then let go."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
    Path("/tmp/old").mkdir()
    _syscall(_SYS_PIVOT_ROOT, "pivot_root", b"/tmp", b"/tmp/old")
    os.chdir("/")
    for name in ("dev", "proc", "tmp"):
        Path("/", name).mkdir()
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={scratch_bytes},mode=700,nr_inodes=4096")
    # While the old one is seen: otherwise a new one might show what was covered there.
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV)
    for place in visible():
        _show(place)
    for name in _DEVICES:
        _show(f"dev/{name}")
    _checked(_libc().umount2(b"/old", _MNT_DETACH), "umount2")
    Path("/old").rmdir()
    _set_attributes("/", _AT_RECURSIVE, _READ_ONLY | _NO_SET_ID, 0)
    for place in ("/proc", "/tmp"):
        _set_attributes(place, 0, 0, _READ_ONLY)
    os.chdir("/tmp")


def visible() -> list[str]:
    """The folders of the system and of this Python, as they are named from the root, none inside another."""
    prefixes = [sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent)]
    system = tuple(f"/{name}" for name in _SYSTEM)
    own = sorted({prefix for prefix in prefixes if not any(_within(prefix, place) for place in system)})
    kept: list[str] = []
    for prefix in own:
        if not any(_within(prefix, place) for place in kept):
            kept.append(prefix)
    return [*_SYSTEM, *_ALONE, *(prefix.lstrip("/") for prefix in kept)]


def _within(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _show(place: str) -> None:
    old, new = Path("/old", place), Path("/", place)
    if old.is_symlink() and "/" not in place:
        new.symlink_to(old.readlink())
    elif old.exists():
        new.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir() if old.is_dir() else new.touch()
        _mount(str(old), str(new), None, _MS_BIND | _MS_REC)


def _set_attributes(place: str, flags: int, given: int, taken: int) -> None:
    """Changes attributes of a mount, or of all below it too."""
    attributes = (ctypes.c_uint64 * 4)(given, taken, 0, 0)
    _syscall(
        _SYS_MOUNT_SETATTR, "mount_setattr", ctypes.c_int(_AT_FDCWD), place.encode(),
        ctypes.c_uint(flags), ctypes.byref(attributes), ctypes.c_size_t(32),
    )  # fmt: skip


def drop_privileges() -> None:
    """Gives up every capability for good."""
    libc = _libc()
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _syscall(_SYS_CAPSET, "capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def limit(limits: dict[str, Any], processes: bool) -> None:
    """Sets the limits of this process and those it starts; the number of `processes` only where none but they count."""
    wanted = {
        "RLIMIT_AS": limits["memory"],
        "RLIMIT_CPU": int(limits["seconds"]) + 1,
        "RLIMIT_FSIZE": limits["file_bytes"],
        "RLIMIT_NOFILE": limits["files"],
        "RLIMIT_CORE": 0,
    }
    if processes:
        wanted["RLIMIT_NPROC"] = limits["processes"]
    for name, value in wanted.items():
        _, hard = resource.getrlimit(getattr(resource, name))
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(getattr(resource, name), (least, least))
