"""A trace for people: as lines of text, as a space-time picture, as a page that steps through it, and in notebooks.

`Trace` has the methods that users call; see docs/seeing.md.
"""
