"""What a config leaves open, chosen from the data by stated rules."""
