"""Tests of tsconv.report.content."""
