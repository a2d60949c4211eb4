"""Where alerts and prices meet the clients that want them: each alert once, by id, whatever the topic repeats."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence

from api.client import Client, wanted_of
from api.config import EdgeConfig
from api.figures import Figures
from api.messages import Position, Subscribe, Told, position, push
from api.quotes import Quotes
from infra import metrics


class Hub:
    """The state of one edge process. All of it belongs to the event loop's thread."""

    def __init__(self, config: EdgeConfig) -> None:
        self._config = config
        self.quotes = Quotes()
        self.figures = Figures()
        self.clients: set[Client] = set()
        self.recent: deque[Told] = deque(maxlen=config.backlog)
        self.epoch = ""
        self.offsets: dict[int, int] = {}
        self._begins: dict[int, int] = {}
        self.read_up = asyncio.Event()
        """Set from when it has caught up."""
        self.duplicates = 0
        self._told: OrderedDict[str, tuple[int, int]] = OrderedDict()

    @property
    def position(self) -> Position:
        """Everything before it was offered to the clients."""
        return position(self.epoch, self.offsets)

    def open(self, epoch: str, offsets: dict[int, int], begins: dict[int, int]) -> None:
        """Say where reading of the alerts topic stands; what lies before `begins` is history and not told as news."""
        self.epoch, self.offsets, self._begins = epoch, offsets, begins
        if self.caught_up:
            self.read_up.set()

    @property
    def caught_up(self) -> bool:
        """Whether everything that was there at the start has been read. Before, what a client missed cannot be told:
        it may lie ahead of here and yet be no news."""
        return bool(self.epoch) and all(self.offsets[partition] >= begin for partition, begin in self._begins.items())

    def is_new(self, alert: Told) -> bool:
        """Whether an alert of this id has not been seen at another place; it is remembered from now on."""
        place = (alert.partition, alert.offset)
        first = self._told.setdefault(alert.id, place)
        if len(self._told) > self._config.remembered_ids:
            self._told.popitem(last=False)
        return first == place

    def publish(self, alerts: Sequence[Told]) -> list[Told]:
        """Offer alerts of the topic, in order, to every client; returns those that were news."""
        if not self.read_up.is_set() and self.caught_up:
            self.read_up.set()
        fresh = [alert for alert in alerts if self.is_new(alert)]
        self.duplicates += len(alerts) - len(fresh)
        self.recent.extend(fresh)
        news = [alert for alert in fresh if alert.offset >= self._begins[alert.partition]]
        if news:
            for client in self.clients:
                client.offer(news)
        return news

    def tick(self) -> None:
        """Have clients brought up to date with prices and figures, if any changed."""
        prices, figures = self.quotes.tick(), self.figures.tick()
        if prices or figures:
            for client in self.clients:
                client.live_due = True
                client.wake.set()

    def heartbeat(self) -> None:
        """Tell every client that was greeted that the edge is there, and how far it has read."""
        text = push("heartbeat", position=self.position)
        for client in self.clients:
            if client.greeted:
                client.say(text)

    def join(self) -> Client:
        """A new client, subscribed to nothing."""
        client = Client(self._config.client_alerts, self._config.client_bytes)
        self.clients.add(client)
        metrics.CLIENTS.set(len(self.clients))
        return client

    def drop(self, client: Client) -> None:
        """The client is gone."""
        self.clients.discard(client)
        metrics.CLIENTS.set(len(self.clients))

    def subscribe(self, client: Client, message: Subscribe) -> list[Told]:
        """Begin what a message asks for; returns the backlog it asks for, oldest first."""
        client.wanted = wanted_of(message)
        client.live_version, client.metrics_version, client.live_due = 0, 0, True
        client.wake.set()
        matching = [alert for alert in self.recent if client.wanted.takes(alert)] if message.backlog else []
        return matching[-message.backlog :]

    def spans(self, resume: Position) -> dict[int, tuple[int, int]] | None:
        """[begin, end) by partition between a client's position and ours; None if that cannot be told whole."""
        if resume.epoch != self.epoch or resume.offsets.keys() != self.position.offsets.keys():
            return None
        spans = {number: (resume.offsets[str(number)], end) for number, end in self.offsets.items()}
        missed = sum(end - begin for begin, end in spans.values())
        if missed > self._config.resume_limit or any(not 0 <= begin <= end for begin, end in spans.values()):
            return None
        return spans
