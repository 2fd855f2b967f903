"""The pure heart of capture: what to do next, and what an outcome means. No clocks, no I/O.

``acts`` are the things the worker can be told to do and what can come of them, ``state`` what it
knows, ``decide`` picks the next act, ``learn`` folds an outcome in, ``faults`` names the points
where a crash is tried. The worker (``pipelines/worker``) performs the acts on real servers; the
simulator (``tidewright.testing.simulator``) performs them on a model and crashes it anywhere.

The rules that everything rests on:

* A transaction is included in position P when its commit record starts before P.
* The lake's commit carries the position; the slot moves last, and only to what is committed.
* A commit is done, refused or unknown. Unknown is read back before anything else happens.
"""
