from typing import final

# What Cython adds for `cimport`.
__pyx_capi__: dict[str, object]

@final
class Chunk: ...
