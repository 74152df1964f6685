"""Other projects' readers and writers, in a process of their own: `ask` runs them, and comes back with what they say.

So nothing that they import, warn of or leave behind gets into the process of the tests.
"""

import importlib.machinery
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
import types
from pathlib import Path


def there(*modules):
    """Tell whether all of these modules are installed; none is imported."""
    return all(importlib.util.find_spec(name) is not None for name in modules)


def ask(*questions, script=__file__):
    """Call functions of a module, each given as (name, argument, ...), in a new process; returns their answers.

    What a function raises is its answer, as text.  The module ends as this one does.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked"), Path(folder, "answered")
        asked.write_bytes(pickle.dumps(questions))
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(Path(folder, "cache"))}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), env.get("PYTHONPATH")]))
        command = [sys.executable, script, str(asked), str(answered)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return pickle.loads(answered.read_bytes())


# ---- streaming ------------------------------------------------------------------------------------------------------


class _Nothing(types.ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def import_streaming():
    """Import streaming, which imports torchvision, for pictures alone.

    A torchvision for CUDA cannot be loaded beside a torch without: then there is an empty one.
    """
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("", ".transforms", ".transforms.functional", ".datasets"):
            module = sys.modules[f"torchvision{name}"] = _Nothing(f"torchvision{name}")
            module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
    import streaming

    return streaming


def write_mds(columns, rows, out):
    """Write rows with streaming's own writer, as one shard; numbers of fixed size as NumPy's."""
    import numpy as np

    streaming = import_streaming()
    scalars = {name: getattr(np, kind) for name, kind in columns.items() if hasattr(np, kind) and kind[-1].isdigit()}
    with streaming.MDSWriter(columns=columns, out=str(out), hashes=["sha256"], size_limit=None) as writer:
        for row in rows:
            writer.write({**row, **{name: scalar(row[name]) for name, scalar in scalars.items()}})


def read_mds(folder):
    """Read a split with streaming, every shard's hash being checked."""
    dataset = import_streaming().StreamingDataset(
        local=str(folder), shuffle=False, batch_size=1, validate_hash="sha256"
    )
    return [
        {name: getattr(value, "item", lambda value=value: value)() for name, value in row.items()} for row in dataset
    ]


# ---- Megatron -------------------------------------------------------------------------------------------------------


def write_megatron(sequences, dtype, prefix):
    """Write sequences with Megatron's own builder, each as a document."""
    import numpy as np
    import torch
    from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder

    builder = IndexedDatasetBuilder(f"{prefix}.bin", dtype=getattr(np, dtype))
    for sequence in sequences:
        builder.add_document(torch.tensor(sequence), [len(sequence)])
    builder.finalize(f"{prefix}.idx")


def read_megatron(prefix):
    """Read sequences and documents with Megatron, with a memory map and without."""
    from megatron.core.datasets.indexed_dataset import DType, IndexedDataset

    answers = []
    for mmap in (True, False):
        dataset = IndexedDataset(str(prefix), mmap=mmap)
        sequences = [dataset[i].tolist() for i in range(len(dataset))]
        answers.append((sequences, dataset.document_indices.tolist()))
    assert answers[0] == answers[1]
    return *answers[0], dataset.index.dtype.__name__, DType.optimal_dtype(65_499).__name__


# ---- OLMo-core ------------------------------------------------------------------------------------------------------


def read_olmo(kind, paths, masks, length, vocabulary, end, work):
    """Read instances and their label masks with a data set of OLMo-core's, and what its loss sees as labels."""
    import numpy as np
    import olmo_core.data as olmo
    from olmo_core.data.utils import get_labels

    dataset = getattr(olmo, kind)(
        *map(str, paths),
        sequence_length=length,
        pad_token_id=end,
        eos_token_id=end,
        vocab_size=vocabulary,
        dtype=np.uint16,
        label_mask_paths=list(map(str, masks)),
    )
    dataset.work_dir = Path(work)
    dataset.prepare()
    rows = [dataset[i] for i in range(len(dataset))]
    labels = [get_labels({name: value[None] for name, value in row.items()})[0] for row in rows]
    return [
        (row["input_ids"].tolist(), row["label_mask"].int().tolist(), label.tolist())
        for row, label in zip(rows, labels, strict=True)
    ]


# ---- Hugging Face datasets ------------------------------------------------------------------------------------------


def load_dataset(folder):
    """Load the splits of a folder by its card."""
    import datasets

    datasets.disable_progress_bars()
    return {name: list(split) for name, split in datasets.load_dataset(str(folder)).items()}


def main(functions, asked, answered):
    answers = []
    for name, *arguments in pickle.loads(Path(asked).read_bytes()):
        try:
            answers.append(functions[name](*arguments))
        except Exception as error:
            answers.append(f"{type(error).__name__}: {error}")
    Path(answered).write_bytes(pickle.dumps(answers))


if __name__ == "__main__":
    main(globals(), *sys.argv[1:])
