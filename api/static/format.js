// How values look, in one place. Every function takes what the interface gives and returns text.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const NOTHING = "–";

/** Local time of day of UTC nanoseconds. */
export const timeOfDay = (ns) => clock.format(ns / 1e6);

/** The whole moment, for machines and tooltips. */
export const moment = (ns) => new Date(ns / 1e6).toISOString();

/** A price with two to six decimals, more for small ones. */
export function price(value) {
  if (value === null || value === undefined) return NOTHING;
  const most = Math.abs(value) >= 1 ? 4 : 6;
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

/** A value of a condition: all that matters of it, and no more. */
export function figure(value) {
  if (value === null || value === undefined) return "no value";
  return value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) >= 100 ? 2 : 4 });
}
