"""What tests of several packages share: frames, panels, networks, runs, studies, files."""
