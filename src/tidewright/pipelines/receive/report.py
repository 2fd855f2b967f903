"""What the receiver says of itself: events taken and rejected, requests by status, connections."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tidewright.model import jobs, observed
from tidewright.pipelines.mover import voice
from tidewright.pipelines.receive import crowd, front, writer

HOP = "request_to_topic"


class Report:
    """Writes the status file as long as the server runs."""

    def __init__(
        self, job: jobs.ReceiveJob, app: front.Front, store: writer.Writer, guests: crowd.Crowd
    ) -> None:
        self._job, self._app, self._store = job, app, store
        self.crowd = guests
        self._voice = voice.Voice(Path(str(job.status)), "receive")

    async def run(self) -> None:
        """Each half second until cancelled."""
        while True:
            self.turn()
            await asyncio.sleep(voice.EVERY)

    def turn(self) -> None:
        """Say how it is now."""
        store, took = self._store, self._app.counts.seconds
        if took:
            self._voice.hop(HOP, [s * 1000 for s in took])
            took.clear()
        trouble = store.problem
        self._voice.say(
            now=True,
            healthy=not trouble,
            state="degraded" if trouble else "running",
            message=trouble or f"receiving at {self._job.path}",
            changes=store.taken + store.rejected,
            commits=store.commits,
            counters=self._counters(),
            datasets=(self._dataset(),),
        )

    def stopped(self) -> None:
        self._voice.say(now=True, healthy=False, state="stopped", message="stopped")

    def _counters(self) -> dict[str, int]:
        found = {
            "events_taken": self._store.taken,
            "events_rejected": self._store.rejected,
            "failed_writes": self._store.failed,
            "connections": len(self.crowd),
            "connections_cut": self.crowd.cut,
        }
        answers = self._app.counts.by_status
        return found | {f"answers_{status}": n for status, n in sorted(answers.items())}

    def _dataset(self) -> observed.DatasetState:
        return observed.DatasetState(
            dataset=f"topics.{self._job.topic}",
            state="following",
            rows=self._store.taken,
            rate=self._voice.rate(self._store.taken),
            position=None,
            snapshot=None,
        )
