"""Builds the C engine once, as a static library, and links each Cython boundary module against it.

Metadata lives in pyproject.toml.  MARKOVLIB_CFLAGS adds flags to every compilation and link, and
MARKOVLIB_MODULE_CFLAGS to the compilation of the modules (the sanitizer build uses both).  Nothing here depends on
the machine that builds, so wheels run on any CPU of their platform.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext

EXTRA = os.environ.get("MARKOVLIB_CFLAGS", "").split()
MODULE_EXTRA = os.environ.get("MARKOVLIB_MODULE_CFLAGS", "").split()
CFLAGS = ["-std=c11", "-O3", "-g0", "-fvisibility=hidden", *EXTRA]
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
        extra_compile_args=[*CFLAGS, *MODULE_EXTRA],
        extra_link_args=[*EXTRA, "-pthread"],
    )


class BuildEngine(build_clib):
    """Compiles files side by side, which setuptools does for extension modules alone."""

    def build_libraries(self, libraries):
        compile_all = self.compiler.compile

        def compile_each(sources, **options):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return [made for some in pool.map(lambda one: compile_all([one], **options), sources) for made in some]

        self.compiler.compile = compile_each
        super().build_libraries(libraries)


class BuildModules(build_ext):
    """Compiles modules side by side unless `--parallel` says otherwise."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()


MODULES = sorted(p.stem for p in Path("markovlib").glob("*.pyx"))

setup(
    cmdclass={"build_clib": BuildEngine, "build_ext": BuildModules},
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
