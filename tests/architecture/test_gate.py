"""A test that silently skips in CI proves nothing, so the hooks that forbid it are proven here."""

from pathlib import Path

import pytest

from tests.support import gate

CASES = """
    import pytest

    @pytest.mark.skip(reason="no broker")
    @pytest.mark.kafka
    def test_needs_kafka(): ...

    @pytest.mark.real_data
    def test_needs_data(): pytest.skip("no data")

    @pytest.mark.skip(reason="other platform")
    def test_free_to_skip(): ...

    @pytest.mark.xfail(strict=True)
    @pytest.mark.kafka
    def test_known_failure(): assert False
"""


def run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makeconftest(Path(gate.__file__).read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nmarkers =\n    kafka\n    clickhouse\n    real_data\n")
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess()


def test_in_ci_a_skip_under_a_held_marker_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    result = run(pytester, CASES)
    result.assert_outcomes(failed=1, errors=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["*marked kafka must run where CI=true, but: *no broker*"])
    result.stdout.fnmatch_lines(["*marked real_data must run where CI=true, but: *no data*"])


def test_elsewhere_the_same_skips_are_skips(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    run(pytester, CASES).assert_outcomes(skipped=3, xfailed=1)


def test_in_ci_a_module_skipped_whole_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import pytest\npytest.skip('not here', allow_module_level=True)"
    monkeypatch.setenv("CI", "true")
    run(pytester, source).assert_outcomes(errors=1)
    monkeypatch.delenv("CI")
    run(pytester, source).assert_outcomes(skipped=1)
