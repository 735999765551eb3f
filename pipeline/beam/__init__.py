"""Where Beam runs: options by runner, and arguments kept out of cache keys."""
