"""What holds for every test: the plugins, and how random examples are drawn."""

from hypothesis import HealthCheck, settings

pytest_plugins = ("pytester", "tests.support.gate", "tests.support.servers")

# One profile everywhere, CI too (hypothesis would choose its own there, which always draws the same examples).
# Neither a deadline nor a health check looks at the time: machines are shared.
settings.register_profile(
    "tapewatch", deadline=None, print_blob=True, derandomize=False, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tapewatch")
