"""The scanner as pure functions of the tick log: no clock, no I/O, so that live, recovery and replay agree."""
