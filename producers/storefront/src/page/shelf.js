// The articles with what they cost and how many are left.

import * as api from "./api.js";
import { byId, element, symbol } from "./dom.js";
import { count, money } from "./format.js";

const REFRESH_MS = 2000;
const RETRY_MS = 3000;
const FEW = 10;

/** Fills the shelf; `onPut` gets the article that a customer puts into the basket, `onStock` every new stock. */
export function openShelf({ onPut, onStock }) {
  const articles = new Map();
  let timer = null;
  let latest = 0;

  async function refresh() {
    clearTimeout(timer);
    timer = null;
    latest = Date.now();
    try {
      const levels = await api.stock();
      byId("shelf-trouble").hidden = true;
      levels.forEach(show);
      onStock(levels);
    } catch (problem) {
      byId("shelf-trouble").textContent = `The shelf cannot be read: ${problem.message}`;
      byId("shelf-trouble").hidden = false;
      timer = setTimeout(refresh, RETRY_MS);
    }
    byId("shelf").setAttribute("aria-busy", String(articles.size === 0));
  }

  function show(level) {
    let article = articles.get(level.sku);
    if (!article) {
      if (articles.size === 0) byId("shelf").replaceChildren();
      article = draw(level, onPut);
      articles.set(level.sku, article);
      byId("shelf").append(article.node);
    }
    article.update(level);
  }

  refresh();
  return {
    /** Reads the stock again soon, and at most every two seconds. */
    refreshSoon() {
      if (timer === null) timer = setTimeout(refresh, Math.max(0, latest + REFRESH_MS - Date.now()));
    },
  };
}

function draw(level, onPut) {
  const price = element("span", { class: "price" });
  const left = element("span", { class: "left" });
  const put = element("button", { type: "button", class: "put", click: () => onPut(level) }, "Add");
  put.setAttribute("aria-label", `Add ${level.name} to the basket`);
  const node = element(
    "li",
    { class: "article", "data-sku": level.sku },
    symbol(iconOf(level.sku), { class: "picture" }),
    element("h3", {}, level.name),
    left,
    element("div", { class: "buy-row" }, price, put),
  );
  return {
    node,
    update({ price: amount, available }) {
      price.textContent = money(amount);
      const words = available === 0 ? "sold out" : available <= FEW ? `only ${available} left` : `${count(available)} left`;
      if (left.textContent !== words) left.textContent = words;
      node.dataset.available = available;
      node.classList.toggle("few", available <= FEW);
    },
  };
}

/** The drawing for an article: its number begins with what it is. */
function iconOf(sku) {
  const name = `article-${sku.split("-")[0].toLowerCase()}`;
  return byId(name) ? name : "article-other";
}
