"""Real things made small for tests: ours, and those of people who extend Tidewright."""
