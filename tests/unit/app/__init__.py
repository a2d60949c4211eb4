"""Tests of app/ that need no server."""
