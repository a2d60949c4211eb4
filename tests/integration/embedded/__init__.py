"""The embedded engines are the real ones: they keep what they acknowledged, and come back after a crash."""
