"""The checks look whether it is there; nothing runs it."""
