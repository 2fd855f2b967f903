"""What ``bench guide`` is made of: targets, questions, and those who ask and check.

``targets`` says what the guides want and where it applies, ``marts`` and ``lake`` which questions
are asked of each platform and how each answer is found a second time, ``asking`` keeps the times,
``crowd`` asks from many sides at once, ``fronts`` calls the catalog over HTTP.
"""
