"""The plain replay: a whole topic through the engine, its answer in memory. It is what a live run is held against."""

from __future__ import annotations

from app.replay_answer import Answer, ReplayError
from app.replay_lane import Lane, feed
from app.replay_progress import ProgressLine, Tell, say_nothing
from engine.rules.plan import Plan
from infra.kafka.reader import Range, Reader
from infra.kafka.rules import RuleLog

__all__ = ["Answer", "ProgressLine", "ReplayError", "replay_topic"]


async def replay_topic(
    bootstrap: str, topic: str, rules: Plan | None, tell: Tell = say_nothing
) -> tuple[Answer, list[Range]]:
    """All that stands in the topic now, with the rule sets that were in force, or with `rules` all the way.

    Raises TopicError, ReadError, RuleSetMissingError, aiokafka's errors.
    """
    answer, log = Answer(), RuleLog(bootstrap)
    async with Reader(bootstrap, topic, "tapewatch-replay") as reader:
        ranges = await reader.ranges()
        for wanted in ranges:
            lane = Lane(wanted.partition, len(ranges), answer)
            if rules is not None:
                lane.override(rules, 0)
            async for _ in feed(lane, reader, wanted, log):
                tell(f"{answer.ticks + lane.counts.ticks:,} ticks")
            answer.counts.join(lane.counts)
            answer.rule_set = lane.partition.rule_set
    return answer, ranges
