// The list of alerts: newest on top, bounded, drawn at most once a frame however many arrive.

import { condition, moment, price, timeOfDay, withoutSymbol } from "./format.js";

const KEPT = 2_000;
const SHOWN = 200;

export class AlertList {
  constructor(list, { onCount, onSymbol }) {
    Object.assign(this, { list, onCount, onSymbol });
    this.alerts = [];
    this.arrived = [];
    this.total = 0;
    this.most = SHOWN;
    this.filter = "";
    this.paused = false;
    this.drawing = false;
  }

  /** Alerts in the order in which they fired. */
  add(alerts) {
    this.total += alerts.length;
    this.arrived.push(...alerts);
    if (this.arrived.length > KEPT) this.arrived.splice(0, this.arrived.length - KEPT);
    this.schedule();
  }

  /** Older alerts, newest first, below what is there: from now on as many more are shown. */
  addOlder(alerts) {
    this.most = Math.min(KEPT, this.most + alerts.length);
    this.alerts = this.alerts.concat(alerts).slice(0, KEPT);
    this.redraw();
  }

  setFilter(text) {
    this.filter = text.trim().toLowerCase();
    this.redraw();
  }

  setPaused(paused) {
    this.paused = paused;
    this.schedule();
  }

  matches({ body, delivery }) {
    return [body.symbol, body.rule_id, delivery.rule_name].some((text) => text.toLowerCase().includes(this.filter));
  }

  schedule() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.draw();
    });
  }

  draw() {
    if (!this.paused && this.arrived.length) {
      const fresh = this.arrived.reverse();
      this.arrived = [];
      this.alerts = fresh.concat(this.alerts).slice(0, KEPT);
      const wanted = fresh.filter((alert) => this.matches(alert)).slice(0, this.most);
      this.list.prepend(...wanted.map((alert) => this.row(alert, "alert fresh")));
      while (this.list.childElementCount > this.most) this.list.lastElementChild.remove();
    }
    this.count();
  }

  redraw() {
    const wanted = this.alerts.filter((alert) => this.matches(alert)).slice(0, this.most);
    this.list.replaceChildren(...wanted.map((alert) => this.row(alert, "alert")));
    this.count();
  }

  count() {
    this.onCount({ total: this.total, shown: this.list.childElementCount, waiting: this.arrived.length });
  }

  /** Move the focus by `step` rows. */
  step(step) {
    const rows = [...this.list.children];
    const at = rows.indexOf(document.activeElement?.closest(".alert"));
    rows[Math.max(0, Math.min(rows.length - 1, at + step))]?.focus();
  }

  row({ body, delivery, sentence }, className) {
    const time = element("time", { textContent: timeOfDay(body.ts), title: moment(body.ts) });
    time.dateTime = moment(body.ts);
    const symbol = element("button", { className: "symbol", type: "button", textContent: body.symbol });
    symbol.title = `Show ${body.symbol} only`;
    symbol.addEventListener("click", () => this.onSymbol(body.symbol));
    const rule = element("span", { className: "rule", textContent: delivery.rule_name || body.rule_id });
    rule.title = `${body.rule_id}, version ${delivery.rule_version}, ${body.session} session`;
    const row = element("li", { className, tabIndex: -1 });
    const shown = element("span", { className: "price", textContent: price(body.price) });
    row.append(time, symbol, rule, shown, why(body, sentence));
    return row;
  }
}

/** The reason in a sentence; every condition as it stood is made when somebody opens it. */
function why(body, sentence) {
  const details = element("details", { className: "why" });
  details.append(element("summary", { textContent: withoutSymbol(sentence, body.symbol) }));
  details.addEventListener("toggle", () => details.append(conditions(body.explanation)), { once: true });
  return details;
}

function conditions(leaves) {
  const list = element("ul", { className: "conditions" });
  for (const leaf of leaves) {
    const item = element("li", { className: leaf.verdict ? "" : "failed", textContent: condition(leaf) });
    if (leaf.parts) item.append(conditions(leaf.parts));
    list.append(item);
  }
  return list;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
