"""What mixtures are made of: sources, quotas, an order, duplicates, contamination; `markovlib.mixture` puts it together."""
