"""The command `tapewatch`: one subcommand a task; errors are one line, exit codes 0 done, 1 failed, 2 wrongly asked."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from app.replay_options import add_diff_options, add_replay_options
from app.settings import Settings, SettingsError, listed, load_settings

OK: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2

N = TypeVar("N", int, float)
Command = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    asked = _parser().parse_args(arguments)
    command: Command = asked.command
    try:
        code = command(asked, load_settings(os.environ))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:  # whoever read has enough; what is left must not be tried again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except SettingsError as error:
        return _complain(error, WRONG_USE)
    except Exception as error:
        if not _is_expected(error):
            raise
        return _complain(error, FAILED)


def _complain(error: BaseException, code: int) -> int:
    print(f"tapewatch: {error}", file=sys.stderr)
    return code


def _is_expected(error: BaseException) -> bool:
    """Whether it is said in one line; anything else is a fault of the program and shows where it happened."""
    from app.dlq_commands import DeadLetterError
    from app.replay_answer import ReplayError
    from infra.embedded.fetch import JarsError
    from infra.embedded.java import JavaNotFoundError
    from infra.embedded.process import ServerStartError
    from infra.http_server import ListenError
    from infra.kafka.reader import ReadError
    from infra.kafka.rules import RuleSetMissingError
    from infra.kafka.topic_admin import TopicError
    from infra.kafka_clients import KafkaError
    from ingest.lane import PublishError
    from ingest.provider import ProviderError
    from schemas.rule import RuleError

    known = (KafkaError, ReplayError, JarsError, JavaNotFoundError, ServerStartError, ListenError, ReadError)
    asked_wrongly = (DeadLetterError, ProviderError, RuleError, RuleSetMissingError)
    return isinstance(error, (*known, *asked_wrongly, TopicError, PublishError, TimeoutError))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tapewatch", description="A real-time trading scanner on Kafka.", epilog="Settings: tapewatch config"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = _add(commands, "demo", _demo, "run everything on this machine, on a simulated market")
    demo.add_argument(
        "--for", dest="for_s", type=_up_to(float, 1e9), metavar="SECONDS", help="end after so many live seconds"
    )
    demo.add_argument("--symbols", type=_up_to(int, 1_000_000), default=500, metavar="N")
    demo.add_argument("--rate", type=_up_to(float, 1e8), default=5_000.0, metavar="TICKS_PER_S")
    demo.add_argument("--json", action="store_true", help="end with one line of figures, checked against a replay")
    demo.add_argument("--chaos", action="store_true", help="kill processes of the demo at random while it runs")
    for name, text in (
        ("ingest", "bring a provider's ticks into the log"),
        ("scan", "evaluate ticks: bars, metrics, rules"),
        ("sink", "store bars, figures and alerts in ClickHouse"),
        ("edge", "serve REST, WebSocket and the page"),
    ):
        _add(commands, name, _role, text).set_defaults(role=name)
    _add_replay(commands)
    rules = _group(commands, "rules", "rules in files and in the log")
    for name, run, text in (
        ("check", _rules_check, "say whether a file's rules can run"),
        ("apply", _rules_apply, "put a file's rules into force"),
    ):
        _add(rules, name, run, text).add_argument("file", type=Path)
    normal = _add(rules, "format", _rules_format, "print a file's rules in their one normal form")
    normal.add_argument("file", type=Path)
    normal.add_argument("--seed", action="store_true", help="as lists of conditions; fails for what cannot be one")
    _add(rules, "schema", _rules_schema, "print the JSON Schema of a file of rules")
    explained = _add(rules, "explain", _rules_explain, "show what a file's rules make the engine compute and keep")
    explained.add_argument("file", type=Path)
    explained.add_argument("--json", action="store_true", help="as one JSON object")
    known = _group(commands, "metrics", "what rules can look at")
    _add(known, "list", _metrics_list, "show every metric")
    _add(known, "describe", _metrics_describe, "show all that is declared of one").add_argument("name")
    _add(known, "page", _metrics_page, "print the page of the documentation")
    types = _group(commands, "templates", "alert types that rules can be made of")
    _add(types, "list", _templates_list, "show every alert type")
    _add(types, "describe", _templates_describe, "show all that is declared of one").add_argument("name")
    _add(types, "page", _templates_page, "print the page of the documentation")
    topics = _group(commands, "topics", "Kafka topics")
    _add(topics, "list", _topics_list, "show what is declared")
    _add(topics, "check", _topics_check, "compare the broker's topics with what is declared")
    _add(topics, "apply", _topics_apply, "create the topics that are missing")
    _add_dead_letters(commands)
    _add(commands, "config", _config, "list every setting")
    return parser


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    replay = _add(commands, "replay", _replay, "run the engine over a file or a topic, offline")
    add_replay_options(replay)
    others = replay.add_subparsers(metavar="diff", help="compare two replays, or one with the live run")
    add_diff_options(_add(others, "diff", _replay_diff, "say which alerts and bars of two replays differ"))
    state = _group(commands, "state", "what scan workers have stored")
    export = _add(state, "export", _state_export, "write the checkpoints of the scan group to a file, for replays")
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.add_argument("--force", action="store_true", help="replace FILE")


def _add_dead_letters(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    letters = _group(commands, "dlq", "dead letters: records that could not be processed")
    listing = _add(letters, "list", _dlq_list, "show the newest, a line each, with the reason")
    listing.add_argument("--most", type=_up_to(int, 1_000_000), default=50, metavar="N")
    shown = _add(letters, "show", _dlq_show, "show one: headers, key and original bytes")
    shown.add_argument("place", metavar="PARTITION/OFFSET")
    again = _add(letters, "retry", _dlq_retry, "send them, as they were, to the partition they came from")
    which = again.add_mutually_exclusive_group(required=True)
    which.add_argument("places", nargs="*", default=[], metavar="PARTITION/OFFSET")
    which.add_argument("--all", action="store_true", help="every one that was not sent again before")
    again.add_argument("--repeat", action="store_true", help="with --all: those as well")
    for parser in (listing, shown, again):
        parser.add_argument("--topic", metavar="NAME", help="whose dead letters; the tick topic's if left out")


def _up_to(kind: type[N], most: float) -> Callable[[str], N]:
    """Reads a number above 0 and at most `most`."""

    def read(text: str) -> N:
        try:
            number = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"invalid {kind.__name__} value: {text!r}") from None
        if not 0 < number <= most:
            raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most {most:,.0f}")
        return number

    return read


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Command, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.set_defaults(command=run)
    return parser


def _group(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    return parser.add_subparsers(required=True, metavar="COMMAND")


def _config(_: argparse.Namespace, settings: Settings) -> int:
    for name, value, default, description in listed(settings):
        changed = "" if value == default else f" (default {default!r})"
        print(f"{name}={value}{changed}\n    {description}")
    return OK


def _role(asked: argparse.Namespace, settings: Settings) -> int:
    from app.roles import run_role

    run_role(asked.role, settings)
    return OK


def _demo(asked: argparse.Namespace, settings: Settings) -> int:
    from app.demo import DemoOptions, run_demo

    return run_demo(DemoOptions(asked.for_s, asked.symbols, asked.rate, asked.json, asked.chaos), settings)


def _rules_check(asked: argparse.Namespace, _: Settings) -> int:
    from app.rules_commands import check

    return check(asked.file)


def _rules_apply(asked: argparse.Namespace, settings: Settings) -> int:
    from app.rules_commands import apply

    return apply(asked.file, settings)


def _rules_format(asked: argparse.Namespace, _: Settings) -> int:
    from app.rules_commands import show_normal

    return show_normal(asked.file, asked.seed)


def _rules_schema(_: argparse.Namespace, __: Settings) -> int:
    from app.rules_schema import text

    print(text(), end="")
    return OK


def _rules_explain(asked: argparse.Namespace, _: Settings) -> int:
    from app.rules_explain import explain

    return explain(asked.file, asked.json)


def _metrics_list(_: argparse.Namespace, __: Settings) -> int:
    from app.metrics_commands import list_metrics

    return list_metrics()


def _metrics_describe(asked: argparse.Namespace, _: Settings) -> int:
    from app.metrics_commands import describe

    return describe(asked.name)


def _metrics_page(_: argparse.Namespace, __: Settings) -> int:
    from app.metrics_commands import print_page

    return print_page()


def _templates_list(_: argparse.Namespace, __: Settings) -> int:
    from app.templates_commands import list_templates

    return list_templates()


def _templates_describe(asked: argparse.Namespace, _: Settings) -> int:
    from app.templates_commands import describe

    return describe(asked.name)


def _templates_page(_: argparse.Namespace, __: Settings) -> int:
    from app.templates_commands import print_page

    return print_page()


def _topics_list(_: argparse.Namespace, settings: Settings) -> int:
    from app.topics_commands import show

    return show(settings)


def _topics_check(_: argparse.Namespace, settings: Settings) -> int:
    from app.topics_commands import check

    return check(settings)


def _topics_apply(_: argparse.Namespace, settings: Settings) -> int:
    from app.topics_commands import apply

    return apply(settings)


def _dlq_list(asked: argparse.Namespace, settings: Settings) -> int:
    from app.dlq_commands import show_list

    return show_list(asked.topic, asked.most, settings)


def _dlq_show(asked: argparse.Namespace, settings: Settings) -> int:
    from app.dlq_commands import show_one

    return show_one(asked.topic, asked.place, settings)


def _dlq_retry(asked: argparse.Namespace, settings: Settings) -> int:
    from app.dlq_commands import retry

    return retry(asked.topic, asked.places, asked.repeat, settings)


def _replay(asked: argparse.Namespace, settings: Settings) -> int:
    from app.replay_asked import repeated, request_of
    from app.replay_command import recorded_run, replay

    recorded = None if asked.manifest is None else recorded_run(asked.manifest)
    request = request_of(asked, settings) if recorded is None else repeated(asked, recorded.request)
    return replay(request, asked.out, settings.bootstrap, asked.force, asked.parquet, recorded)


def _replay_diff(asked: argparse.Namespace, settings: Settings) -> int:
    from app.diff_command import diff

    return diff(asked.first, asked.second, asked.live, asked.most, asked.json, settings)


def _state_export(asked: argparse.Namespace, settings: Settings) -> int:
    from app.state_commands import export

    return export(asked.out, asked.force, settings)


if __name__ == "__main__":
    sys.exit(main())
