"""From a config to a trained network: defaults, preparation, the loop, several runs in turn."""
