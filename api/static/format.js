// How values look, in one place. Every function takes what the interface gives and returns text.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const minutes = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const days = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const NOTHING = "–";

/** Local time of day of UTC nanoseconds. */
export const timeOfDay = (ns) => clock.format(ns / 1e6);

/** When a bar began, local time; of one that began on another day, the day. */
export function barStart(ns, now = new Date()) {
  const at = new Date(ns / 1e6);
  const isToday = at.toDateString() === now.toDateString();
  return isToday ? minutes.format(at) : `${days.format(at)} ${minutes.format(at)}`;
}

/** The whole moment, for machines and tooltips. */
export const moment = (ns) => new Date(ns / 1e6).toISOString();

/** A price with two decimals, up to `most` where it has them, up to six below one. */
export function price(value, most = 4) {
  if (value === null || value === undefined) return NOTHING;
  if (Math.abs(value) < 1) most = 6;
  return value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: most });
}

/** A percentage with its sign, and an arrow for those who do not tell the colours apart. */
export function change(percent) {
  if (percent === null || percent === undefined) return NOTHING;
  const arrow = percent > 0 ? "▲" : percent < 0 ? "▼" : "";
  return `${arrow} ${Math.abs(percent).toFixed(2)}%`;
}

/** "up", "down" or "". */
export const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

/** A volume in few characters. */
export const volume = (value) => (value === null || value === undefined ? NOTHING : compact.format(value));

/** The sentence of an alert beside its symbol. */
export const withoutSymbol = (sentence, symbol) => sentence.slice(symbol.length + 1);

/** One condition as it stood: "rsi(14, 5m) 28.4 < 30, 5m bar of 15:30". */
export function condition({ expression, value, operator, bound, against, previous, bars, parts }) {
  if (parts) return operator;
  const ofBars = Object.entries(bars ?? {}).map(([timeframe, ns]) => `, ${timeframe} bar of ${barStart(ns)}`).join("");
  if (operator === "holds") return expression + ofBars;
  if (operator === "is_null") return `${expression}: ${figure(value)}${ofBars}`;
  const other = against ? `${against} ${figure(bound)}` : figure(bound);
  const was = previous ? `, before: ${previous.map(figure).join(" and ")}` : "";
  return `${expression} ${figure(value)} ${operator.replace("_", " ")} ${other}${was}${ofBars}`;
}

/** A value of a condition: all that matters of it, and no more. */
export function figure(value) {
  if (value === null || value === undefined) return "no value";
  return value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) >= 100 ? 2 : 4 });
}
