"""Roles, fixes, seasons and horizons that fit a checked file."""
