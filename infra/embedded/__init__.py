"""Real engines on one machine without a container or an installer, so that demo and tests meet what production runs."""
