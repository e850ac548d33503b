"""The file that is checked, before any role (raw) and sorted by series and time."""
