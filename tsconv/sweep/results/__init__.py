"""What a sweep shows while it runs and leaves when it ends."""
