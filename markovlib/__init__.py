"""Markov algorithms at machine speed, and instruction-tuning data whose diversity is under exact control."""

__version__ = "0.1.0"
