"""What ``verify`` proves, one module for each kind of process that moves rows.

``table`` has a row for each kind of job; ``proof`` has the record that every one returns.
"""
