"""Commands that are killed, started again and compared; see `tests/faults`."""
