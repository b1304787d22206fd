// The basket, and the form that turns it into a checkout.

import * as api from "./api.js";
import { byId, element } from "./dom.js";
import { money } from "./format.js";

const MOST = 1000;
/** What to say before the shop has to; the shop itself checks everything. */
const MISSING = { name: "Please give a name.", email: "Please give an address such as ada@example.org." };

/** Opens the basket; `onBought` gets the checkout that the shop accepted. */
export function openBasket({ onBought }) {
  const lines = new Map();
  const levels = new Map();
  const form = byId("checkout");
  let latest = null;
  let basketInSight = true;

  function put(level) {
    const line = lines.get(level.sku);
    if (line) line.set(line.quantity + 1);
    else {
      lines.set(level.sku, drawLine(level, { changed, remove: () => lines.delete(level.sku) }));
      byId("basket").append(lines.get(level.sku).node);
    }
    byId("basket-news").textContent = `${level.name}: ${lines.get(level.sku).quantity} in the basket`;
    changed();
  }

  function changed() {
    let total = 0;
    for (const line of lines.values()) {
      const level = levels.get(line.sku) ?? line.level;
      total += level.price.amount * line.quantity;
      const short = line.quantity > level.available;
      line.warn(short ? `only ${level.available} on the shelf: this order will be cancelled` : "");
    }
    byId("basket-empty").hidden = lines.size > 0;
    byId("total").textContent = money({ amount: total, currency: "EUR" });
    byId("buy").disabled = lines.size === 0;
    byId("basket-bar-words").textContent = byId("total").textContent;
    showBar();
  }

  /** On a phone the basket is below the shelf; until it comes into sight a bar leads to it. */
  function showBar() {
    byId("basket-bar").hidden = lines.size === 0 || basketInSight;
  }

  /** Sending the same again is the same order; anything else needs a number of its own. */
  function numbered(checkout) {
    const content = JSON.stringify(checkout);
    if (latest?.content !== content) latest = { content, orderId: newOrderId() };
    return { order_id: latest.orderId, ...checkout };
  }

  async function buy() {
    const fields = new FormData(form);
    const checkout = numbered({
      customer: { name: fields.get("name"), email: fields.get("email") },
      lines: [...lines.values()].map(({ sku, quantity }) => ({ sku, quantity })),
      card: fields.get("card"),
    });
    showErrors([], "");
    byId("buy").disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      await api.submit(checkout);
      latest = null;
      const names = [...lines.values()].map((line) => `${line.quantity} × ${line.level.name}`);
      lines.clear();
      byId("basket").replaceChildren();
      onBought({ orderId: checkout.order_id, gist: names.join(", ") });
    } catch (problem) {
      showErrors(problem.errors ?? [], problem.message);
    } finally {
      form.removeAttribute("aria-busy");
      changed();
    }
  }

  function isComplete() {
    for (const [name, words] of Object.entries(MISSING)) markField(name, byId(name).checkValidity() ? "" : words);
    form.querySelector("[aria-invalid=true]")?.focus();
    return form.checkValidity();
  }

  function showErrors(errors, message) {
    const rest = [];
    for (const name of Object.keys(MISSING)) markField(name, "");
    for (const { pointer, detail } of errors) {
      const line = /^\/lines\/(\d+)/.exec(pointer);
      if (pointer === "/customer/name" || pointer === "/customer/email") markField(pointer.slice(10), detail);
      else if (line) [...lines.values()][line[1]]?.warn(detail);
      else rest.push(detail);
    }
    const words = errors.length ? rest.join(" ") : message;
    byId("checkout-trouble").textContent = words;
    byId("checkout-trouble").hidden = words === "";
    form.querySelector("[aria-invalid=true]")?.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (lines.size > 0 && !form.hasAttribute("aria-busy") && isComplete()) buy();
  });
  new IntersectionObserver(([{ isIntersecting }]) => {
    basketInSight = isIntersecting;
    showBar();
  }).observe(form);
  changed();

  return {
    put,
    stock(newLevels) {
      for (const level of newLevels) levels.set(level.sku, level);
      changed();
    },
  };
}

function drawLine(level, { changed, remove }) {
  const id = `quantity-${level.sku}`;
  const input = element("input", { id, type: "number", inputmode: "numeric", min: 1, max: MOST, value: 1, "aria-describedby": `${id}-warning` });
  const price = element("span", { class: "line-price" });
  const warning = element("p", { id: `${id}-warning`, class: "warning" });
  const button = (sign, words, act) => element("button", { type: "button", "aria-label": words, click: act }, sign);
  const line = {
    sku: level.sku,
    level,
    quantity: 1,
    set(quantity) {
      line.quantity = Math.min(MOST, Math.max(1, Math.trunc(quantity) || 1));
      input.value = line.quantity;
      price.textContent = money({ ...level.price, amount: level.price.amount * line.quantity });
      changed();
    },
    warn(words) {
      if (warning.textContent !== words) warning.textContent = words;
    },
  };
  input.addEventListener("change", () => line.set(Number(input.value)));
  line.node = element(
    "li",
    { "data-basket-sku": level.sku },
    element("label", { for: id }, level.name),
    element(
      "div",
      { class: "stepper" },
      button("−", `One ${level.name} less`, () => line.set(line.quantity - 1)),
      input,
      button("+", `One ${level.name} more`, () => line.set(line.quantity + 1)),
    ),
    price,
    button("×", `Remove ${level.name}`, () => {
      remove();
      line.node.remove();
      changed();
      byId("buy").focus();
    }),
    warning,
  );
  price.textContent = money(level.price);
  return line;
}

function markField(name, words) {
  byId(name).setAttribute("aria-invalid", String(words !== ""));
  byId(`${name}-trouble`).textContent = words;
}

/** A random UUID. `crypto.randomUUID` is missing on a page that a phone reads over plain HTTP. */
function newOrderId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
