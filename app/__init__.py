"""Composition: settings, the map of topics and agents, and the commands that put the layers together."""
