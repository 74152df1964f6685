"""What mixtures are made of: sources, quotas, an order, duplicates and contamination; see `markovlib.mixture`."""
