// The whole shop at a glance: how much each service says, and a few of everybody's orders.

import { byId, drawing, element, symbol } from "./dom.js";
import { count, duration, rate, shortId } from "./format.js";
import { SERVICES, STAGES, isEnd } from "./services.js";

/** Looks that a curve shows: half a minute. */
const LOOKS = 60;

/** Opens the overview, which `look` brings up to date. */
export function openWarren() {
  const stations = new Map(SERVICES.map((service) => [service, drawStation(service)]));
  byId("stations").append(...[...stations.values()].map(({ node }) => node));
  const rows = new Map();
  let before = null;

  return {
    look(shop) {
      const now = performance.now();
      for (const [service, station] of stations) {
        const said = shop.said[service] ?? 0;
        // Counters that fell are those of a storefront that was started again.
        const more = Math.max(0, said - (before?.said[service] ?? said));
        station.show(before ? (more * 1000) / (now - before.at) : 0);
      }
      before = { said: shop.said, at: now };
      showPace(shop);
      showOrders(rows, shop.orders);
    },
  };
}

function drawStation(service) {
  const speed = element("span", { class: "speed" }, "0");
  const curve = drawing("polyline", { points: "" });
  const node = element(
    "li",
    { "data-service": service },
    symbol(`service-${service}`),
    element("span", { class: "name" }, service),
    service === "notifications"
      ? element("span", { class: "unit" }, "listens only")
      : element("span", { class: "unit" }, speed, " messages/s"),
    drawing("svg", { class: "curve", viewBox: `0 0 ${LOOKS} 20`, preserveAspectRatio: "none", "aria-hidden": "true" }, curve),
  );
  const looks = [];
  return {
    node,
    show(perSecond) {
      looks.push(perSecond);
      if (looks.length > LOOKS + 1) looks.shift();
      const smooth = looks.slice(-4).reduce((sum, look) => sum + look, 0) / Math.min(4, looks.length);
      speed.textContent = rate(smooth);
      const top = Math.max(1, ...looks);
      const start = LOOKS - looks.length + 1;
      // The ends lie below the picture, so that what is filled is the ground under the curve.
      const points = looks.map((look, i) => `${start + i},${19 - (look / top) * 17}`);
      curve.setAttribute("points", [`${start},24`, ...points, `${LOOKS},24`].join(" "));
    },
  };
}

function showPace({ pace, retried, dead_lettered: deadLettered }) {
  const facts = {
    "pace-submitted": pace ? `${rate(pace.submitted)}/s` : "0/s",
    "pace-dispatched": pace ? `${rate(pace.dispatched)}/s` : "0/s",
    "pace-cancelled": pace ? `${rate(pace.cancelled)}/s` : "0/s",
    "pace-p50": pace?.p50_ms == null ? "–" : duration(pace.p50_ms),
    "pace-p99": pace?.p99_ms == null ? "–" : duration(pace.p99_ms),
    retried: count(retried),
    "dead-lettered": count(deadLettered),
  };
  for (const [id, words] of Object.entries(facts)) {
    if (byId(id).textContent !== words) byId(id).textContent = words;
  }
}

function showOrders(rows, orders) {
  byId("strip-empty").hidden = orders.length > 0;
  const seen = new Set(orders.map((order) => order.order_id));
  for (const [orderId, row] of rows) {
    if (seen.has(orderId)) continue;
    row.node.remove();
    rows.delete(orderId);
  }
  orders.forEach((order, place) => {
    if (!rows.has(order.order_id)) rows.set(order.order_id, drawRow(order));
    const row = rows.get(order.order_id);
    row.show(order);
    if (byId("strip").children[place] !== row.node) byId("strip").insertBefore(row.node, byId("strip").children[place] ?? null);
  });
}

function drawRow({ order_id: orderId, gist }) {
  const dots = SERVICES.map((service) => element("i", { "data-service": service, title: service }));
  const stage = element("span", { class: "stage" });
  const node = element(
    "li",
    { "data-passing-order": orderId },
    element("code", {}, shortId(orderId)),
    element("span", { class: "gist" }, gist),
    element("span", { class: "dots", "aria-hidden": "true" }, ...dots),
    stage,
  );
  return {
    node,
    show(order) {
      node.dataset.stage = order.stage;
      const marks = new Map(order.trail.map((mark) => [mark.service, mark.kind]));
      for (const dot of dots) {
        const { service } = dot.dataset;
        // `notifications` only listens: it has written a mail once the order has come to its end.
        const kind = marks.get(service) ?? (service === "notifications" && isEnd(order.stage) ? "event" : "none");
        if (dot.dataset.kind !== kind) dot.dataset.kind = kind;
      }
      const words = `${STAGES[order.stage]} · ${duration(order.after_ms)}`;
      if (stage.textContent !== words) stage.textContent = words;
    },
  };
}
