"""What runs inside the sandbox: sent there as text, so that no file of the project need be seen from it.

These modules use the standard library alone, and one another.
"""
