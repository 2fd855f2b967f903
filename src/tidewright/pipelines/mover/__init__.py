"""What every process that moves rows needs besides its work.

``entry`` starts it, ``statusfile`` holds what it says; ``voice`` and ``report`` say when.
"""
