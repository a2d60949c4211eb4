"""A pytest plugin by which CI never skips what it exists to prove: real engines and recorded markets."""

import os
from collections.abc import Generator

import pytest

MUST_RUN_IN_CI = ("kafka", "clickhouse", "real_data")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport, what: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{what} must run where CI=true, but: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip under a marker of MUST_RUN_IN_CI into a failure where CI=true."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _in_ci():
        held = [name for name in MUST_RUN_IN_CI if item.get_closest_marker(name)]
        if held:
            _refuse_skip(report, f"a test marked {held[0]}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module, whose markers are not known yet, into a failure where CI=true."""
    report = yield
    if report.skipped and _in_ci():
        _refuse_skip(report, f"{collector.nodeid}, skipped whole,")
    return report
