"""What kind of values the targets have: counts, intermittent, bounded, or with heavy tails."""
