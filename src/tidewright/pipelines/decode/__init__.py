"""From the feed's bytes to typed columns and raw rows. Start at ``decoder`` and ``chunk``."""
