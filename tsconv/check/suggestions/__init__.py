"""Roles, reading keys, seasons and horizons that fit a checked file."""
