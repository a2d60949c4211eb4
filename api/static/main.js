// Puts the page together: the connection feeds the two views, the header says how things stand.

import { AlertList } from "./alerts.js";
import { Connection } from "./connection.js";
import { History } from "./history.js";
import { PriceTable } from "./prices.js";
import { Reference } from "./reference.js";

const TOKEN = "tapewatch.token";
const THEME = "tapewatch.theme";
const RATE_WINDOW_MS = 60_000;

const at = (id) => document.getElementById(id);
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const arrivals = [];
let begun = false;

const alerts = new AlertList(at("alerts"), {
  onSymbol: (symbol) => setFilter(symbol),
  onCount({ total, shown, waiting }) {
    at("total").textContent = total.toLocaleString("en");
    at("no-alerts").hidden = shown > 0 || waiting > 0;
    at("shown").textContent = waiting ? `${waiting.toLocaleString("en")} new while paused` : `newest ${shown}`;
  },
});

const prices = new PriceTable(at("columns"), at("prices"), ({ known, shown }) => {
  at("symbols").textContent = known.toLocaleString("en");
  at("priced").textContent = shown < known ? `first ${shown} of ${known}` : "";
});

const history = new History("/api/v1/alerts");
const reference = new Reference(at("reference"));

const connection = new Connection(`${scheme}//${location.host}/api/v1/ws`, sessionStorage.getItem(TOKEN), {
  state(name, text) {
    at("state").dataset.state = name;
    at("state-text").textContent = text;
    document.title = name === "live" ? "tapewatch" : `(${text}) tapewatch`;
    if (name === "live") begin();
  },
  alerts(list) {
    arrivals.push([performance.now(), list.length]);
    alerts.add(list);
  },
  quotes: (list) => prices.update(list),
  missed: () => notify("Too much happened while the connection was gone; the history has all of it."),
  tokenNeeded() {
    at("token-form").hidden = false;
    at("token").focus();
  },
});

/** Once per page: the history continues where the backlog of the connection ends. */
function begin() {
  at("token-form").hidden = true;
  if (begun) return;
  begun = true;
  showOlder(false);
}

function notify(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

function setFilter(text) {
  at("filter").value = text;
  alerts.setFilter(text);
  prices.setFilter(text);
}

function setPaused(paused) {
  at("pause").setAttribute("aria-pressed", String(paused));
  alerts.setPaused(paused);
}

const isPaused = () => at("pause").getAttribute("aria-pressed") === "true";

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

/** Pages of the history until one holds something that is not here yet. */
async function showOlder(continued) {
  try {
    let found = [];
    do {
      const page = await history.page(connection.token, continued);
      found = page.filter((alert) => connection.remember(alert.body.id));
      continued = true;
    } while (!found.length && history.next !== null);
    alerts.addOlder(found);
    notify("");
  } catch (error) {
    notify(`Older alerts cannot be shown: ${error.message}. Live alerts go on.`);
  }
  at("older").hidden = history.next === null;
}

function showRate() {
  const begin = performance.now() - RATE_WINDOW_MS;
  while (arrivals.length && arrivals[0][0] < begin) arrivals.shift();
  at("rate").textContent = arrivals.reduce((sum, [, count]) => sum + count, 0).toLocaleString("en");
}

const KEYS = {
  "/": () => at("filter").focus(),
  p: () => setPaused(!isPaused()),
  r: () => reference.open(connection.token),
  j: () => alerts.step(1),
  k: () => alerts.step(-1),
};

document.addEventListener("keydown", (event) => {
  if (at("reference").open) return;
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "Escape" && (typing || at("filter").value)) {
    setFilter("");
    if (typing) event.target.blur();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

at("filter").addEventListener("input", (event) => setFilter(event.target.value));
at("pause").addEventListener("click", () => setPaused(!isPaused()));
at("rules").addEventListener("click", KEYS.r);
at("older").addEventListener("click", () => showOlder(true));
at("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  localStorage.setItem(THEME, theme);
  setTheme(theme);
});
at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, at("token").value);
  connection.retryNow(at("token").value);
});
addEventListener("online", () => {
  if (!connection.socket) connection.retryNow();
});

setTheme(localStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
setInterval(showRate, 1_000);
connection.open();
