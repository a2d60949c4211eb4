// The table of live prices: any number of symbols known, a bounded number of rows, only changed cells written.

import { change, direction, price, volume } from "./format.js";

const ROWS = 500;
const COLUMNS = [
  { key: "symbol", title: "Symbol", text: (quote) => quote.symbol },
  { key: "price", title: "Price", text: (quote) => price(quote.price), moves: (quote) => quote.move },
  {
    key: "change_pct", title: "Change", text: (quote) => change(quote.change_pct),
    moves: (quote) => direction(quote.change_pct),
  },
  { key: "vwap", title: "VWAP", text: (quote) => price(quote.vwap, 2) },
  { key: "day_low", title: "Low", text: (quote) => price(quote.day_low) },
  { key: "day_high", title: "High", text: (quote) => price(quote.day_high) },
  { key: "volume_day", title: "Volume", text: (quote) => volume(quote.volume_day) },
];

export class PriceTable {
  constructor(head, body, onCount) {
    Object.assign(this, { head, body, onCount });
    this.quotes = new Map();
    this.filter = "";
    this.sortedBy = COLUMNS[0];
    this.descending = false;
    this.drawing = false;
    head.append(...COLUMNS.map((column) => this.header(column)));
    this.markSorted();
  }

  update(quotes) {
    for (const quote of quotes) {
      const before = this.quotes.get(quote.symbol);
      quote.move = before ? direction(quote.price - before.price) || before.move : "";
      this.quotes.set(quote.symbol, quote);
    }
    this.schedule();
  }

  setFilter(text) {
    this.filter = text.trim().toLowerCase();
    this.schedule();
  }

  sortBy(column) {
    this.descending = column === this.sortedBy ? !this.descending : column !== COLUMNS[0];
    this.sortedBy = column;
    this.markSorted();
    this.schedule();
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
    let wanted = [...this.quotes.values()];
    if (this.filter) {
      const found = wanted.filter((quote) => quote.symbol.toLowerCase().includes(this.filter));
      wanted = found.length ? found : wanted; // the filter may name a rule, which has no price
    }
    wanted.sort((one, other) => this.compare(one, other));
    const shown = wanted.slice(0, ROWS);
    while (this.body.childElementCount < shown.length) this.body.append(newRow());
    while (this.body.childElementCount > shown.length) this.body.lastElementChild.remove();
    shown.forEach((quote, at) => fill(this.body.children[at], quote));
    this.onCount({ known: this.quotes.size, shown: shown.length });
  }

  compare(one, other) {
    const { key } = this.sortedBy;
    const [a, b] = [one[key], other[key]];
    if (a === b) return one.symbol < other.symbol ? -1 : 1;
    if (a === null) return 1; // what has no value comes last, whatever the direction
    if (b === null) return -1;
    return (a < b ? -1 : 1) * (this.descending ? -1 : 1);
  }

  header(column) {
    const cell = document.createElement("th");
    cell.scope = "col";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = column.title;
    button.addEventListener("click", () => this.sortBy(column));
    cell.append(button);
    return cell;
  }

  markSorted() {
    COLUMNS.forEach((column, at) => {
      const order = this.descending ? "descending" : "ascending";
      this.head.children[at].setAttribute("aria-sort", column === this.sortedBy ? order : "none");
    });
  }
}

function newRow() {
  const row = document.createElement("tr");
  row.append(...COLUMNS.map(() => document.createElement("td")));
  return row;
}

/** Rows are no symbol's own: each is given whatever stands at its place, and writes what differs. */
function fill(row, quote) {
  COLUMNS.forEach((column, at) => {
    const cell = row.children[at];
    const text = column.text(quote);
    if (cell.textContent !== text) cell.textContent = text;
    const moves = column.moves?.(quote) ?? "";
    if ((cell.dataset.direction ?? "") !== moves) cell.dataset.direction = moves;
  });
}
