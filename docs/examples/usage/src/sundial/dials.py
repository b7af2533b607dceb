"""What a sundial shows."""

from __future__ import annotations

import math

from sundial import agent

_step = agent.counter("step")  # called often: a counter costs half a microsecond


def hour(time: float) -> float:
    """The sun's hour angle in degrees; noon is 0."""
    agent.log("read", dial="hour")
    return 15 * (time - 12)


def shadow(time: float, *, steps: int = 1000) -> float:
    """How far the tip of a shadow of 1 m goes from noon until then, in metres."""
    agent.log("read", dial="shadow")
    length = 0.0
    for number in range(steps):
        _step.add()
        length += abs(hour_angle_tangent(time, number + 1, steps) - hour_angle_tangent(time, number, steps))
    return length


def hour_angle_tangent(time: float, number: int, steps: int) -> float:
    return math.tan(math.radians(15 * (time - 12)) * number / steps)
