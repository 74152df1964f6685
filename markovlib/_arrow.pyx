# cython: autotestdict=False, auto_pickle=False
"""The Arrow C data interface: arrays of words from other libraries, and columns handed to them."""

cimport cython
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_GetPointer, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport ENOMEM

cdef extern from "arrow.h" nogil:
    struct ArrowSchema:
        const char *format
        const char *name
        const char *metadata
        int64_t flags
        int64_t n_children
        ArrowSchema **children
        ArrowSchema *dictionary
        void (*release)(ArrowSchema *) noexcept
        void *private_data
    struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream *, ArrowSchema *) noexcept nogil
        int (*get_next)(ArrowArrayStream *, ArrowArray *) noexcept nogil
        const char *(*get_last_error)(ArrowArrayStream *) noexcept
        void (*release)(ArrowArrayStream *) noexcept
    const char *mk_arrow_type_read(mk_arrow_type *type, const ArrowSchema *schema)
    const char *mk_arrow_chunk_open(mk_arrow_chunk *chunk, const mk_arrow_type *type, const ArrowArray *array)
    const char *mk_arrow_chunk_measure(const mk_arrow_chunk *chunk, int64_t *bytes, int64_t *row)


# ---- in --------------------------------------------------------------------------------------------------------

@cython.final
cdef class Chunk:
    def __dealloc__(self):
        if self.array.release != NULL:
            self.array.release(&self.array)


cdef list array_chunks(object words, bint *text):
    schema_owner, array_owner = words.__arrow_c_array__()
    cdef mk_arrow_type type = type_of(<const ArrowSchema *>PyCapsule_GetPointer(schema_owner, "arrow_schema"))
    cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(array_owner, "arrow_array")
    if array.release == NULL:
        raise ValueError("the Arrow array has been released already")
    cdef Chunk chunk = Chunk.__new__(Chunk)
    chunk.array = array[0]
    array.release = NULL
    read_chunk(chunk, &type, 0)
    text[0] = type.text
    return [chunk]


cdef list stream_chunks(object words, bint *text):
    # The capsule stays the owner of the stream and releases it.
    capsule = words.__arrow_c_stream__()
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(capsule, "arrow_array_stream")
    if stream.release == NULL:
        raise ValueError("the Arrow stream has been released already")
    cdef mk_arrow_type type = stream_type(stream)
    cdef int64_t rows = 0
    cdef Chunk chunk = next_chunk(stream)
    chunks = []
    while chunk.array.release != NULL:
        read_chunk(chunk, &type, rows)
        rows += chunk.words.length
        chunks.append(chunk)
        chunk = next_chunk(stream)
    text[0] = type.text
    return chunks


cdef mk_arrow_type type_of(const ArrowSchema *schema) except *:
    cdef mk_arrow_type type
    if schema.release == NULL:
        raise ValueError("the Arrow schema has been released already")
    if schema.format.startswith(b"+s") and schema.n_children > 1:
        raise TypeError(f"words must be one column, got {schema.n_children}: select one")
    cdef const char *format = mk_arrow_type_read(&type, schema)
    if format != NULL:
        raise TypeError("words must be utf8 or binary, or a dictionary of them, got the Arrow format "
                        f"{format.decode('utf-8', 'replace')!r}: cast it first")
    return type


cdef mk_arrow_type stream_type(ArrowArrayStream *stream) except *:
    cdef ArrowSchema schema
    cdef int code
    with nogil:
        code = stream.get_schema(stream, &schema)
    if code:
        raise stream_error(stream, code)
    try:
        return type_of(&schema)
    finally:
        if schema.release != NULL:
            schema.release(&schema)


cdef Chunk next_chunk(ArrowArrayStream *stream):
    cdef Chunk chunk = Chunk.__new__(Chunk)
    cdef ArrowArray array
    cdef int code
    # The producer may need the GIL in another thread to come up with the next array.
    with nogil:
        code = stream.get_next(stream, &array)
    if code:
        raise stream_error(stream, code)
    chunk.array = array
    return chunk


cdef object stream_error(ArrowArrayStream *stream, int code):
    cdef const char *message = stream.get_last_error(stream)
    reason = message.decode("utf-8", "replace") if message != NULL else f"error {code}"
    return (MemoryError if code == ENOMEM else ValueError)(f"the Arrow stream of words failed: {reason}")


cdef int read_chunk(Chunk chunk, const mk_arrow_type *type, int64_t rows_before) except -1:
    cdef const char *reason = mk_arrow_chunk_open(&chunk.words, type, &chunk.array)
    cdef int64_t row = 0
    if reason != NULL:
        raise ValueError(f"malformed Arrow data: {reason.decode()}")
    with nogil:
        reason = mk_arrow_chunk_measure(&chunk.words, &chunk.bytes, &row)
    if reason != NULL:
        raise ValueError(f"row {rows_before + row} {reason.decode()}")
    return 0


# ---- out -------------------------------------------------------------------------------------------------------

# Each capsule points into a small object that it owns through its context, so that nothing here allocates.

@cython.internal
@cython.final
cdef class SchemaExport:
    cdef ArrowSchema schema


@cython.internal
@cython.final
cdef class ArrayExport:
    cdef ArrowArray array
    cdef const void *buffers[3]
    cdef object owner


cdef void release_schema(ArrowSchema *schema) noexcept nogil:
    schema.release = NULL


cdef void release_array(ArrowArray *array) noexcept with gil:
    array.release = NULL
    Py_DECREF(<object>array.private_data)


cdef void end_schema(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef void end_array(object capsule) noexcept:
    cdef ArrowArray *array = <ArrowArray *>PyCapsule_GetPointer(capsule, "arrow_array")
    if array.release != NULL:
        array.release(array)
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef object schema_capsule(bint text):
    cdef SchemaExport export = SchemaExport.__new__(SchemaExport)
    export.schema.format = b"U" if text else b"Z"
    export.schema.name = b""
    export.schema.release = release_schema
    capsule = PyCapsule_New(&export.schema, "arrow_schema", end_schema)
    Py_INCREF(export)
    PyCapsule_SetContext(capsule, <void *>export)
    return capsule


cdef object array_capsule(const uint8_t *data, const int64_t *offsets, int64_t length, object owner):
    cdef ArrayExport export = ArrayExport.__new__(ArrayExport)
    export.owner = owner
    export.buffers[1] = offsets
    export.buffers[2] = data
    export.array.length = length
    export.array.n_buffers = 3
    export.array.buffers = export.buffers
    export.array.private_data = <void *>export
    capsule = PyCapsule_New(&export.array, "arrow_array", end_array)
    # One reference for the capsule, and one for the array, which a consumer may move out of it.
    Py_INCREF(export)
    PyCapsule_SetContext(capsule, <void *>export)
    Py_INCREF(export)
    export.array.release = release_array
    return capsule
