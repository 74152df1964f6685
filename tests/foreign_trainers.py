"""What trainers get from our sources, in a process of their own: see `foreign_readers.ask`.

Nothing here compares: the functions return what the trainers see, as plain values.
"""

import sys
from itertools import chain, islice
from pathlib import Path

import numpy as np
from foreign_readers import main

import markovlib as mk
from markovlib.tokens import CharacterTokenizer

LENGTH = 144


def prompts(examples):
    return [example.prompt for example in examples]


def indices(examples):
    return [example.index for example in examples]


# ---- torch ----------------------------------------------------------------------------------------------------------


def torch_examples(source, workers):
    """The prompts, by a loader that makes batches of examples itself."""
    from torch.utils.data import DataLoader

    return list(chain(*DataLoader(source, batch_size=32, collate_fn=prompts, num_workers=workers)))


def torch_epochs(source, workers, epochs):
    """Batches of indices of several epochs, drawn by a sampler."""
    from torch.utils.data import DataLoader

    loader = DataLoader(source, batch_sampler=mk.Sampler(source, 32), collate_fn=indices, num_workers=workers)
    return [list(loader) for _ in range(epochs)]


def torch_batches(source, workers):
    """The types, and the arrays, of the batches of a loader of ours."""
    from torch.utils.data import DataLoader

    loader = mk.Loader(source, 32, length=LENGTH, dtype=np.int64)
    batches = list(DataLoader(loader, batch_size=None, num_workers=workers))
    kinds = {(type(part).__name__, str(part.dtype)) for batch in batches for part in batch}
    return sorted(kinds), [[part.tolist() for part in batch] for batch in batches]


def torch_kept(source, workers):
    """Indices of the batches of workers that live on: two epochs, the fifth, and an epoch from its fourth batch on."""
    from torch.utils.data import DataLoader

    ours = mk.Loader(source, 32, columns=["index"])
    keep = {"num_workers": workers, "persistent_workers": workers > 0}
    loader = DataLoader(ours, batch_size=None, sampler=ours.keys(), collate_fn=_column, **keep)
    seen = [list(loader) for _ in range(2)]
    ours.set_epoch(5)
    seen.append(list(loader))
    ours.load_state_dict({**ours.state_dict(), "epoch": 3, "position": 4 * 32})
    assert len(loader) == len(ours)
    return [*seen, list(loader)]


def _column(batch):
    return batch.index.tolist()


def torch_bins(packed, workers):
    """The types, and the arrays, of the batches of bins of a packed source."""
    from torch.utils.data import DataLoader

    batches = list(DataLoader(mk.Loader(packed, 8, dtype=np.int64), batch_size=None, num_workers=workers))
    kinds = {(type(part).__name__, str(part.dtype)) for batch in batches for part in batch}
    return sorted(kinds), [[part.tolist() for part in batch] for batch in batches]


def torch_resumed(source, jobs):
    """Indices seen by jobs of (workers, batches), each going on from the state of what the last one consumed."""
    from torch.utils.data import DataLoader

    seen, state = [], None
    for workers, batches in jobs:
        sampler = mk.Sampler(source, 32)
        if state is not None:
            sampler.load_state_dict(state)
        loader = DataLoader(source, batch_sampler=sampler, collate_fn=indices, num_workers=workers)
        used = 0
        while used < batches:
            for batch in islice(loader, batches - used):
                seen += batch
                used += 1
        state = sampler.state_dict(batches=used)
    return seen, state


def torchdata_resumed(source, workers, stops):
    """Batches of one epoch, broken off after each of `stops` and resumed by torchdata's own state."""
    from torchdata.stateful_dataloader import StatefulDataLoader

    def make(state):
        sampler = mk.Sampler(source, 32)
        loader = StatefulDataLoader(source, batch_sampler=sampler, collate_fn=indices, num_workers=workers)
        if state is not None:
            loader.load_state_dict(state)
        return loader

    seen, state = [], None
    for stop in stops:
        loader = make(state)
        seen += islice(loader, stop)
        state = loader.state_dict()
    return seen + list(make(state))


def torchdata_batches(source, workers, stop):
    """The ids of one epoch of a loader of ours, broken off and resumed by torchdata's own state."""
    from torchdata.stateful_dataloader import StatefulDataLoader

    first, second = (
        StatefulDataLoader(mk.Loader(source, 32, length=LENGTH), batch_size=None, num_workers=workers) for _ in "ab"
    )
    seen = [batch.ids.tolist() for batch in islice(first, stop)]
    second.load_state_dict(first.state_dict())
    return seen + [batch.ids.tolist() for batch in second]


# ---- Grain ----------------------------------------------------------------------------------------------------------


def grain_examples(source, workers):
    """The prompts in order by a Grain loader, and the indices of a shuffled data set."""
    import grain
    from absl import flags

    flags.FLAGS(["grain"])
    order = grain.samplers.IndexSampler(
        num_records=len(source), num_epochs=1, shard_options=grain.sharding.NoSharding(), shuffle=False, seed=0
    )
    loader = grain.DataLoader(data_source=source, sampler=order, worker_count=workers)
    shuffled = grain.MapDataset.source(source).shuffle(seed=1)
    return prompts(loader), indices(shuffled[i] for i in range(len(shuffled)))


def grain_batches(source):
    """The ids of the batches of a loader of ours, as a Grain data set."""
    import grain

    batches = grain.MapDataset.source(mk.Loader(source, 32, length=LENGTH))
    return [batches[i].ids.tolist() for i in range(len(batches))]


# ---- TRL ------------------------------------------------------------------------------------------------------------


def _letters(source):
    """A tokenizer of transformers that knows the characters of a source's prompts and completions."""
    import tokenizers
    import transformers
    from tokenizers import decoders, models, pre_tokenizers

    ours = CharacterTokenizer.of(source, eos="</s>")
    ids = {letter: i for i, letter in enumerate(ours.vocabulary)} | {"</s>": ours.eos}
    made = tokenizers.Tokenizer(models.WordLevel(ids, unk_token="</s>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", pad_token="</s>")


def sft(folder, out):
    """Train a tiny model on a folder by TRL: the prompt and completion of what the loss is on, and the losses."""
    import datasets
    import transformers
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    train = datasets.load_dataset(str(folder), split="train").select_columns(["prompt", "completion"])
    letters = _letters(mk.open(folder, "train"))
    shape = {"n_positions": 256, "n_embd": 16, "n_layer": 1, "n_head": 2}
    ends = {"bos_token_id": letters.eos_token_id, "eos_token_id": letters.eos_token_id}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=len(letters), **shape, **ends))
    settings = SFTConfig(
        output_dir=str(out), max_steps=3, per_device_train_batch_size=4, logging_steps=1, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, bf16=False, seed=1,
    )  # fmt: skip
    trainer = SFTTrainer(model=model, args=settings, train_dataset=train, processing_class=letters)
    seen = []
    for batch in islice(trainer.get_train_dataloader(), 3):
        for ids, labels, held in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
            asked, answered = (held == 1) & (labels == -100), labels != -100
            assert (ids[answered] == labels[answered]).all()
            seen.append((letters.decode(ids[asked]), letters.decode(ids[answered])))
    trainer.train()
    return seen, [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


# ---- the page -------------------------------------------------------------------------------------------------------


def run_blocks(blocks, folder):
    """Run blocks of Python one after the other in a folder."""
    import os

    os.chdir(folder)
    names = {"__name__": "__page__"}
    for text in blocks:
        exec(compile(text, "trainers.md", "exec"), names)
    return sorted(path.name for path in Path(folder).iterdir())


if __name__ == "__main__":
    main(globals(), *sys.argv[1:])
