"""A recovery point becomes a platform in a folder of its own, step by step.

``points`` chooses the point, ``ground`` prepares the folder, ``replay`` brings servers to their
position, ``lake`` gives the files their new names, ``anchor`` lets capture go on from there, and
``proof`` compares everything before anything serves. ``operations.restore`` has the order.
"""
