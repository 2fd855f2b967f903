"""Which checkpoints of the job show one moment of the source, written down as commits.

A checkpoint of Flink stops wherever each reader happens to be: half a transfer may be in it. Only
a checkpoint that holds every transaction up to one, whole, and nothing of the later ones is
recorded in ``tidewright_commits``, so that models, checks and marts read what the source was.

``checkpoints`` finds where the readers stood, ``following`` reads the same topics, ``boundaries``
decides, ``points`` finds each table's snapshot, ``__main__`` is the process.
"""
