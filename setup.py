"""Builds the C engine once, as a static library, and links each Cython boundary module against it.

Metadata lives in pyproject.toml.  MARKOVLIB_CFLAGS adds flags to every compilation and link (the sanitizer
build uses it); nothing here depends on the machine that builds, so wheels run on any CPU of their platform.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

EXTRA = os.environ.get("MARKOVLIB_CFLAGS", "").split()
CFLAGS = ["-std=c11", "-O3", "-fvisibility=hidden", *EXTRA]
HEADERS = sorted(str(p) for pattern in ("csrc/*.h", "csrc/*/*.h") for p in Path().glob(pattern))
SOURCES = sorted(str(p) for pattern in ("csrc/*.c", "csrc/arch/*.c") for p in Path().glob(pattern))

ENGINE = (
    "markov",
    {
        "sources": SOURCES,
        "include_dirs": ["csrc/include", "csrc"],
        "cflags": ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", *CFLAGS],
        "obj_deps": {"": HEADERS},
    },
)


def boundary(name: str) -> Extension:
    return Extension(
        f"markovlib.{name}",
        [f"markovlib/{name}.pyx"],
        include_dirs=["csrc/include", "csrc"],
        depends=HEADERS + SOURCES,
        extra_compile_args=CFLAGS,
        extra_link_args=[*EXTRA, "-pthread"],
    )


MODULES = sorted(p.stem for p in Path("markovlib").glob("*.pyx"))

setup(
    libraries=[ENGINE],
    ext_modules=cythonize(
        [boundary(name) for name in MODULES],
        compiler_directives={
            "language_level": 3,
            "freethreading_compatible": True,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "embedsignature": True,
            "embedsignature.format": "python",
        },
    ),
)
