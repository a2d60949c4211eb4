// The parts of the page that are more than drawing: coming back without a gap, and how values look.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AlertList } from "../../../api/static/alerts.js";
import { Connection } from "../../../api/static/connection.js";
import { barStart, change, condition, figure, price, volume, withoutSymbol } from "../../../api/static/format.js";

function connected() {
  const seen = { states: [], alerts: [], sentences: [], missed: 0, tokens: 0 };
  const sockets = [];
  const connection = new Connection("ws://edge", "hush", {
    state: (name) => seen.states.push(name),
    alerts: (list) => {
      seen.alerts.push(...list.map((alert) => alert.body.id));
      seen.sentences.push(...list.map((alert) => alert.sentence));
    },
    quotes() {},
    missed: () => seen.missed++,
    tokenNeeded: () => seen.tokens++,
  }, () => {
    const socket = { sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close() {} };
    sockets.push(socket);
    return socket;
  });
  connection.open();
  const tell = (message) => sockets.at(-1).onmessage({ data: JSON.stringify(message) });
  return { connection, seen, sockets, tell };
}

const told = (id, offset, partition = 0) => ({ partition, offset, sentence: `A ${id}`, alert: { body: { id } } });

test("after a loss it asks for what follows the last alert, and tells nothing twice", () => {
  const { connection, seen, sockets, tell } = connected();
  sockets[0].onopen();
  assert.deepEqual(sockets[0].sent, [{ id: 1, op: "subscribe", backlog: 200, token: "hush" }]);
  tell({ id: 1, ok: true, position: { epoch: "e", offsets: { 0: 5, 1: 0 } } });
  tell({ push: "alert", alerts: [told("old", 4), told("a", 5), told("b", 6), told("a", 7)] });
  sockets[0].onclose();
  assert.equal(seen.states.at(-1), "waiting");
  connection.retryNow();
  sockets[1].onopen();
  assert.deepEqual(sockets[1].sent[0].resume, { epoch: "e", offsets: { 0: 8, 1: 0 } });
  tell({ id: 1, ok: true, recovered: true, position: { epoch: "e", offsets: { 0: 9, 1: 3 } } });
  tell({ push: "alert", alerts: [told("b", 8), told("c", 2, 1)] });
  assert.deepEqual(seen.alerts, ["old", "a", "b", "c"]);
  assert.deepEqual(seen.sentences, ["A old", "A a", "A b", "A c"]);
  assert.deepEqual(connection.position.offsets, { 0: 9, 1: 3 });
  assert.equal(seen.missed, 0);
  connection.drop();
});

test("a position that was not honoured is given up, and the page says so", () => {
  const { connection, seen, sockets, tell } = connected();
  connection.position = { epoch: "gone", offsets: { 0: 1 } };
  sockets[0].onopen();
  tell({ id: 1, ok: true, recovered: false, position: { epoch: "e", offsets: { 0: 3 } } });
  assert.equal(seen.missed, 1);
  assert.deepEqual(connection.position, { epoch: "e", offsets: { 0: 3 } });
  connection.drop();
});

test("without a valid token it stops and asks for one", () => {
  const { connection, seen, sockets, tell } = connected();
  tell({ push: "bye", reason: "unauthorized", reconnect: false });
  sockets[0].onclose();
  assert.deepEqual([seen.states.at(-1), seen.tokens], ["refused", 1]);
  connection.retryNow("better");
  sockets[1].onopen();
  assert.equal(sockets[1].sent[0].token, "better");
  connection.drop();
});

test("values", () => {
  assert.deepEqual([price(1234.5), price(0.00001234), price(null)], ["1,234.50", "0.000012", "–"]);
  assert.deepEqual([change(1.234), change(-0.5), change(null)], ["▲ 1.23%", "▼ 0.50%", "–"]);
  assert.deepEqual([figure(3.14159), figure(123456.789), figure(null)], ["3.1416", "123,456.79", "no value"]);
  assert.equal(volume(1_234_567), "1.2M");
  assert.deepEqual([price(90.4865, 2), price(0.00001234, 2)], ["90.49", "0.000012"]);
});

test("reasons", () => {
  assert.equal(withoutSymbol("BRK.B 5m RSI 28.4 < 30", "BRK.B"), "5m RSI 28.4 < 30");
  const leaf = { expression: "rsi(14, 5m)", value: 28.4, operator: "<", bound: 30, verdict: true };
  const now = new Date(2026, 0, 5, 16, 0);
  const start = new Date(2026, 0, 5, 15, 30).getTime() * 1e6;
  assert.equal(condition(leaf), "rsi(14, 5m) 28.4 < 30");
  assert.equal(barStart(start, now), "15:30");
  assert.match(condition({ ...leaf, bars: { "5m": start } }), /^rsi\(14, 5m\) 28.4 < 30, 5m bar of .*15:30$/);
  const cross = { ...leaf, operator: "crosses_above", against: "vwap", previous: [1, null] };
  assert.equal(condition(cross), "rsi(14, 5m) 28.4 crosses above vwap 30, before: 1 and no value");
  assert.equal(condition({ ...leaf, operator: "holds", expression: "for_last(3, x)" }), "for_last(3, x)");
  assert.equal(condition({ ...leaf, operator: "is_null", value: null }), "rsi(14, 5m): no value");
  assert.equal(condition({ expression: "a or b", operator: "or", parts: [leaf] }), "or");
});

/** As much of a document as a list of alerts asks of one. */
function nodes() {
  const made = () => ({
    children: [],
    append(...more) { this.children.push(...more); },
    prepend(...more) { this.children.unshift(...more); },
    replaceChildren(...all) { this.children = all; },
    get childElementCount() { return this.children.length; },
    get lastElementChild() { return { remove: () => this.children.pop() }; },
    addEventListener() {},
  });
  globalThis.document = { createElement: made };
  globalThis.requestAnimationFrame = (draw) => draw();
  return made();
}

test("older alerts are shown below a full list", () => {
  const list = nodes();
  const alerts = new AlertList(list, { onCount() {}, onSymbol() {} });
  const fired = (number) => ({
    body: { id: `${number}`, symbol: `S${number}`, rule_id: "r", ts: number * 1e9, price: 1, session: "regular", explanation: [] },
    delivery: { rule_name: "", rule_version: 1 },
    sentence: "why",
  });
  const symbols = () => list.children.map((row) => row.children[1].textContent);
  alerts.add(Array.from({ length: 250 }, (_, at) => fired(1_000 + at)));
  assert.deepEqual([symbols().length, symbols()[0], symbols().at(-1)], [200, "S1249", "S1050"]);
  alerts.addOlder(Array.from({ length: 100 }, (_, at) => fired(999 - at)));
  assert.deepEqual([symbols().length, symbols().at(-1)], [300, "S950"]);
  alerts.add([fired(2_000)]);
  assert.deepEqual([symbols().length, symbols()[0], symbols().at(-1)], [300, "S2000", "S951"]);
});
