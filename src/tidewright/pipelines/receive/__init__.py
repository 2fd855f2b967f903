"""Events over HTTP into a topic: judged on receipt, acknowledged when they are committed.

``judge`` tells good events from bad ones and is pure, ``writer`` commits batches exactly once,
``front`` speaks HTTP, ``crowd`` bounds connections, ``report`` says how it goes.
"""
