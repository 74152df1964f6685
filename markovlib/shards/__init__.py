"""Shards on disk: one module per format, a manifest, and the three things one does with a folder of them.

`generation.generate` writes a folder, `inspection.inspect` says what is in one, `verification.verify` makes
it again and compares.  Nothing is imported here, so that `import markovlib` stays light: import the module
you need.
"""
