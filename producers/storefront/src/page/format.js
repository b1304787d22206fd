// Numbers as people read them.

const moneyOf = (currency) => new Intl.NumberFormat("en-IE", { style: "currency", currency });
const whole = new Intl.NumberFormat("en-IE");

/** `{amount: 1250, currency: "EUR"}` as `€12.50`. */
export function money({ amount, currency }) {
  return moneyOf(currency).format(amount / 100);
}

/** `100000` as `100,000`. */
export function count(number) {
  return whole.format(number);
}

/** Milliseconds as `41 ms`, `2.3 s` or `2 min`. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}

/** Something per second: one decimal while it is small. */
export function rate(perSecond) {
  return perSecond > 0 && perSecond < 100 ? perSecond.toFixed(1) : whole.format(Math.round(perSecond));
}

/** An order's number as it is shown: its end, where numbers made at the same moment differ. */
export function shortId(orderId) {
  return orderId.slice(-6);
}

/** Milliseconds since 1970 as the time of day. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString("en-IE");
}
