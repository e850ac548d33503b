"""The checked file as tables: raw, before any column has a role, and sorted by series and time."""
