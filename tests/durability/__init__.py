"""Processes killed and paused at random: nothing may be lost or told twice."""
