"""Faults that machines have: processes killed at any moment, and started again.

`python -m tests.faults` kills hundreds and prints what became of each; the tests take a few.
"""
