"""Flink's own configuration, once, as a table; every form writes it in its own dialect.

A TaskManager that is started by its main class wants its memory spelled out, part by part
(Flink: ``TaskExecutorResourceUtils``); what the scripts of a distribution would compute is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one TaskManager, in MB: the heap of tasks, state that Flink manages, network buffers."""

    task_heap: int = 512
    managed: int = 64
    network: int = 64
    framework_heap: int = 128
    framework_off_heap: int = 128
    metaspace: int = 256
    overhead: int = 192

    @property
    def heap(self) -> int:
        return self.framework_heap + self.task_heap

    @property
    def direct(self) -> int:
        return self.framework_off_heap + self.network


COMMON: Mapping[str, str] = {
    "execution.runtime-mode": "streaming",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "execution.checkpointing.timeout": "2min",
    # The recorder judges them when the next one is complete, and may be late.
    "execution.checkpointing.num-retained": "20",
    # The next job owns the checkpoint that it began with, and removes it in its turn.
    "execution.state-recovery.claim-mode": "CLAIM",
    "execution.checkpointing.min-pause": "500ms",
    "execution.checkpointing.tolerable-failed-checkpoints": "3",
    "state.backend.type": "hashmap",
    # An engine that is away for a moment is waited for; one that stays away is seen in the status.
    "restart-strategy.type": "exponential-delay",
    "restart-strategy.exponential-delay.max-backoff": "10s",
    "heartbeat.timeout": "20000",
    "heartbeat.interval": "5000",
    "s3.path.style.access": "true",
}


def settings(interval_ms: int, slots: int, memory: Memory) -> dict[str, str]:
    """Checkpoints, and so commits of the lake, come every ``interval_ms``."""
    sizes = {
        "framework.heap.size": memory.framework_heap,
        "framework.off-heap.size": memory.framework_off_heap,
        "task.heap.size": memory.task_heap,
        "task.off-heap.size": 0,
        "managed.size": memory.managed,
        "network.min": memory.network,
        "network.max": memory.network,
        "jvm-metaspace.size": memory.metaspace,
        "jvm-overhead.min": memory.overhead,
        "jvm-overhead.max": memory.overhead,
    }
    return {
        **COMMON,
        **{f"taskmanager.memory.{key}": f"{size}m" for key, size in sizes.items()},
        "taskmanager.cpu.cores": f"{slots}.0",
        "taskmanager.numberOfTaskSlots": str(slots),
        "parallelism.default": "1",
        "execution.checkpointing.interval": f"{interval_ms}ms",
    }
