// The customer's own orders, the latest first.

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { clock, duration, shortId } from "./format.js";
import { drawStations, drawStep } from "./journey.js";
import { STAGES, isEnd } from "./services.js";

/** As many as one stream follows. */
const MOST = 16;
/** As many are unfolded; a click opens the others. */
const MOST_OPEN = 4;
/** The shop is quicker than the eye: a step stays alone for so long before the next is drawn. */
const STEP_MS = 160;
/** A page that is opened again hears for so long what happened before. */
const MEMORY_MS = 2000;
const STORED = "garenne-orders";

/** Opens the list with the orders that this tab bought before; `onChange` gets the ids to follow. */
export function openOrders({ onChange }) {
  const orders = new Map();

  function add({ orderId, gist }, fresh) {
    const order = drawOrder(orderId, gist, fresh);
    orders.set(orderId, order);
    byId("orders").prepend(order.node);
    byId("orders-empty").hidden = true;
    if (orders.size > MOST) drop(orders.keys().next().value);
    [...orders.values()].slice(0, -MOST_OPEN).forEach((earlier) => earlier.close());
    return order;
  }

  function drop(orderId) {
    orders.get(orderId)?.node.remove();
    orders.delete(orderId);
    byId("orders-empty").hidden = orders.size > 0;
  }

  function changed() {
    const kept = [...orders].map(([orderId, { gist }]) => ({ orderId, gist }));
    sessionStorage.setItem(STORED, JSON.stringify(kept));
    onChange([...orders.keys()]);
  }

  /** The stream replays what the storefront remembers; `orders` itself knows what happened before that. */
  async function restore(stored) {
    const order = add(stored, false);
    const view = await api.order(stored.orderId).catch(() => undefined);
    if (view === null && order.isEmpty()) {
      drop(stored.orderId);
      changed();
    } else if (view) order.standsAt(view.status);
  }

  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
  stored.forEach(restore);
  if (stored.length > 0) changed();

  return {
    bought(order) {
      const { node } = add(order, true);
      changed();
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      node.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    },
    step({ order_id: orderId, step }) {
      orders.get(orderId)?.hear(step);
    },
  };
}

function drawOrder(orderId, gist, fresh) {
  const steps = element("ol", { class: "steps" });
  const badge = element("span", { class: "badge" });
  const took = element("span", { class: "took" });
  const title = `order-${orderId}`;
  const node = element(
    "article",
    { class: "order", "data-order-id": orderId, "aria-labelledby": title },
    element(
      "details",
      { open: "" },
      element(
        "summary",
        {},
        element("h3", { id: title }, "Order ", element("code", { title: orderId }, shortId(orderId))),
        element("p", { class: "gist" }, gist),
        took,
        badge,
      ),
      drawStations(),
      steps,
    ),
  );
  const heard = [];
  let drawn = 0;
  let timer = null;
  const opened = performance.now();

  function stand(stage) {
    node.dataset.status = stage;
    badge.textContent = STAGES[stage] ?? stage;
  }

  function draw() {
    timer = null;
    const step = heard[drawn];
    if (!step) return;
    drawn += 1;
    const before = node.dataset.status;
    steps.append(drawStep(step, fresh));
    stand(step.stage);
    took.textContent = `${clock(heard[0].at)} · ${duration(step.after_ms)}`;
    if (fresh && before !== step.stage && (isEnd(step.stage) || step.stage === "dead-lettered")) {
      byId("announcements").textContent = `Order ${shortId(orderId)}: ${STAGES[step.stage]} (${step.detail})`;
    }
    drawSoon();
  }

  function drawSoon() {
    if (timer === null && drawn < heard.length) timer = setTimeout(draw, fresh ? STEP_MS : 0);
  }

  stand("submitted");
  return {
    node,
    gist,
    close: () => node.querySelector("details").removeAttribute("open"),
    isEmpty: () => heard.length === 0,
    standsAt(stage) {
      if (heard.length === 0) stand(stage);
    },
    /** Takes in one step. When the page connects again, the stream begins with what is known already. */
    hear(step) {
      if (heard.some(({ name, at }) => name === step.name && at === step.at)) return;
      // What a page that was opened again hears at once is memory, not news.
      if (!fresh && performance.now() - opened > MEMORY_MS) fresh = true;
      heard.push(step);
      drawSoon();
    },
  };
}
