"""The papers' experiments, from this library's data: a downstream project that uses only its public interface.

`python -m reproduction --help`, from the folder benchmarks; docs/reproduction.md has what came out.  Only model.py and
train.py import torch.
"""
