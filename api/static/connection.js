// Keeps one WebSocket to the edge: comes back by itself, and asks for exactly what was missed meanwhile.

const BACKLOG = 200;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const SILENT_HEARTBEATS = 2.5;
const KNOWN_IDS = 5_000;

/**
 * Calls back with `state(name, text)`, `alerts(list, news)`, `quotes(list)`, `missed()` (alerts may be lacking that only
 * the history has) and `tokenNeeded()`.
 */
export class Connection {
  constructor(url, token, on, makeSocket = (address) => new WebSocket(address)) {
    Object.assign(this, { url, token, on, makeSocket });
    this.position = null;
    this.known = new Set();
    this.failures = 0;
    this.heartbeatMs = 15_000;
  }

  open() {
    clearTimeout(this.retry);
    this.on.state("connecting", "Connecting");
    this.bye = null;
    this.resuming = false;
    const socket = this.makeSocket(this.url);
    this.socket = socket;
    socket.onopen = () => this.subscribe();
    socket.onmessage = (event) => socket === this.socket && this.take(JSON.parse(event.data));
    socket.onclose = () => socket === this.socket && this.closed();
    this.watch();
  }

  /** Try again at once, with another token if one is given. */
  retryNow(token = this.token) {
    this.token = token;
    this.drop();
    this.failures = 0;
    this.open();
  }

  subscribe() {
    const message = { id: 1, op: "subscribe", backlog: BACKLOG };
    if (this.token) message.token = this.token;
    if (this.position) message.resume = this.position;
    this.resuming = this.position !== null;
    this.socket.send(JSON.stringify(message));
  }

  take(message) {
    this.watch();
    switch (message.push) {
      case "hello": this.heartbeatMs = message.heartbeat_s * 1000; break;
      case "alert": this.takeAlerts(message.alerts); break;
      case "live": this.on.quotes(message.quotes); break;
      case "heartbeat": this.position = message.position; break;
      case "bye": this.bye = message; break;
      default: if (message.id === 1) this.subscribed(message);
    }
  }

  subscribed(reply) {
    if (!reply.ok) {
      this.bye = { reason: reply.error.message, reconnect: false };
      this.socket.close();
      return;
    }
    this.failures = 0;
    this.on.state("live", "Live");
    // What was missed comes after a reply that says so: until it is here, the old position holds.
    if (!reply.recovered) this.position = reply.position;
    if (this.resuming && !reply.recovered) this.on.missed();
  }

  takeAlerts(told) {
    const fresh = [];
    for (const { partition, offset, alert, sentence } of told) {
      const place = this.position?.offsets;
      if (place && offset >= (place[partition] ?? 0)) place[partition] = offset + 1;
      if (this.remember(alert.body.id)) fresh.push({ ...alert, sentence });
    }
    if (fresh.length) this.on.alerts(fresh);
  }

  /** Whether an alert's id is new; it is known from now on. */
  remember(id) {
    if (this.known.has(id)) return false;
    this.known.add(id);
    if (this.known.size > KNOWN_IDS) this.known.delete(this.known.values().next().value);
    return true;
  }

  closed() {
    clearTimeout(this.silence);
    this.socket = null;
    if (this.bye?.reason === "unauthorized" || this.bye?.reason === "auth_timeout") {
      this.on.state("refused", "A token is needed");
      this.on.tokenNeeded();
      return;
    }
    if (this.bye && !this.bye.reconnect) {
      this.on.state("refused", `Closed: ${this.bye.reason}`);
      return;
    }
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++);
    const wait = longest * (0.5 + Math.random() / 2);
    this.on.state("waiting", `Connection lost, next try in ${Math.ceil(wait / 1000)} s`);
    this.retry = setTimeout(() => this.open(), wait);
  }

  /** A connection that says nothing for so long is dead, whatever the browser thinks. */
  watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.drop();
      this.closed();
    }, SILENT_HEARTBEATS * this.heartbeatMs);
  }

  drop() {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
