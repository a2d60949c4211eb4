"""The engine a second time: plain Python, one record after the other, written from docs/semantics.md alone."""

from tests.support.twin.log import Record, Twin, run_log
from tests.support.twin.records import read
from tests.support.twin.rules import Rule, rules_of

__all__ = ["Record", "Rule", "Twin", "read", "rules_of", "run_log"]
