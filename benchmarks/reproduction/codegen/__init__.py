"""Code generation: fine-tuning on mixtures, judging programs, and a specialist that needs no download."""
