"""The WebSocket's envelope: what clients may say, and the replies and pushes they are given. JSON, one object a frame.

A client's message carries an `id`, which its one reply repeats; what has `push` was not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from engine.rules.sentence import sentence
from schemas.alert import Alert

PROTOCOL: Final = 1
MAX_NAMES: Final = 1_000
MAX_BACKLOG: Final = 1_000
MAX_METRICS_SYMBOLS: Final = 100

Id = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[str, Meta(max_length=64)]
Names = Annotated[list[Annotated[str, Meta(max_length=128)]], Meta(max_length=MAX_NAMES)]
Token = Annotated[str, Meta(max_length=4096)]


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the alerts topic was read: of which cluster, and the next offset of each partition."""

    epoch: str
    offsets: dict[str, int]


class Message(msgspec.Struct, frozen=True, tag_field="op", forbid_unknown_fields=True, kw_only=True):
    """What every message has. Where a token is needed, the first message carries it."""

    id: Id
    token: Token | None = None


class Subscribe(Message, frozen=True, tag="subscribe"):
    """Alerts of these symbols and rules (None: all), live prices of these symbols. Replaces what was subscribed.

    `metrics` asks for the figures of these symbols too, which have to be named then, at most 100: at once all that are
    known, then those of each symbol where some have changed. `resume` asks for everything after a position, `backlog`
    for that many of the newest alerts.
    """

    symbols: Names | None = None
    rules: Names | None = None
    alerts: bool = True
    live: bool = True
    metrics: bool = False
    backlog: Annotated[int, Meta(ge=0, le=MAX_BACKLOG)] = 0
    resume: Position | None = None

    def __post_init__(self) -> None:
        """Raises ValueError: figures of everything would be too much for any client."""
        if self.metrics and (self.symbols is None or len(self.symbols) > MAX_METRICS_SYMBOLS):
            raise ValueError(f"metrics: name the symbols, at most {MAX_METRICS_SYMBOLS}")


class Unsubscribe(Message, frozen=True, tag="unsubscribe"):
    """No more pushes but heartbeats."""


class Ping(Message, frozen=True, tag="ping"):
    """Answered at once."""


class Told(msgspec.Struct, frozen=True, gc=False):
    """An alert on its way to clients: what filters look at, its place in the alerts topic, when its tick was appended
    to the log (ns), and its JSON."""

    id: str
    symbol: str
    rule_id: str
    partition: int
    offset: int
    append_ts: int
    text: str


class BadMessageError(ValueError):
    """What a client sent is no message; `id` is its id where that could be read."""

    def __init__(self, message_id: Any, reason: str) -> None:
        super().__init__(reason)
        self.id = message_id


class _JustId(msgspec.Struct):
    id: Id | None = None


_DECODER: Final[msgspec.json.Decoder[Subscribe | Unsubscribe | Ping]] = msgspec.json.Decoder(
    Subscribe | Unsubscribe | Ping
)
_ID_DECODER: Final = msgspec.json.Decoder(_JustId)
_ENCODER: Final = msgspec.json.Encoder()


def decode_message(text: str) -> Subscribe | Unsubscribe | Ping:
    """Raises BadMessageError."""
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadMessageError(_id_of(text), str(error)) from error


def _id_of(text: str) -> int | str | None:
    try:
        return _ID_DECODER.decode(text).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None  # the reply then has the id null, which says that it could not be read


def told(alert: Alert, partition: int, offset: int, value: bytes) -> Told:
    """An alert ready to be pushed; `value` is the record's own JSON, passed on as it is."""
    body = alert.body
    why = _ENCODER.encode(sentence(body)).decode()
    text = f'{{"partition":{partition},"offset":{offset},"sentence":{why},"alert":{value.decode()}}}'
    return Told(body.id, body.symbol, body.rule_id, partition, offset, alert.delivery.append_ts, text)


def reply(message_id: int | str, **more: Any) -> str:
    """The answer to a message that was understood."""
    return _text({"id": message_id, "ok": True} | more)


def refusal(message_id: int | str | None, code: str, text: str) -> str:
    """The answer to a message that was not."""
    return _text({"id": message_id, "ok": False, "error": {"code": code, "message": text}})


def push(kind: str, **more: Any) -> str:
    """A push other than alerts, live prices and figures."""
    return _text({"push": kind} | more)


def push_alerts(texts: Iterable[str]) -> str:
    """A frame of alerts, from the texts of `Told`."""
    return f'{{"push":"alert","alerts":[{",".join(texts)}]}}'


def push_live(quotes: Iterable[msgspec.Struct]) -> str:
    """A frame of live prices."""
    return _text({"push": "live", "quotes": list(quotes)})


def push_metrics(texts: Iterable[str]) -> str:
    """A frame of figures, from the JSON of each symbol's."""
    return f'{{"push":"metrics","symbols":[{",".join(texts)}]}}'


def position(epoch: str, offsets: Mapping[int, int]) -> Position:
    """A position in the form clients give it back."""
    return Position(epoch, {str(partition): offset for partition, offset in offsets.items()})


def _text(value: Mapping[str, Any]) -> str:
    return _ENCODER.encode(value).decode()
