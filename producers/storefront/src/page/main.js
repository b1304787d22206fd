// Joins the parts of the page.

import { openBasket } from "./basket.js";
import { byId } from "./dom.js";
import { openFeed } from "./feed.js";
import { openOrders } from "./orders.js";
import { openShelf } from "./shelf.js";
import { openWarren } from "./warren.js";

let feed = null;
let follow = [];
let stockMoves = 0;

const orders = openOrders({
  onChange(orderIds) {
    follow = orderIds;
    feed?.follow(orderIds);
  },
});
const basket = openBasket({ onBought: orders.bought });
const shelf = openShelf({ onPut: basket.put, onStock: basket.stock });
const warren = openWarren();

feed = openFeed({
  follow,
  step: orders.step,
  shop(shop) {
    warren.look(shop);
    if (shop.said.inventory !== stockMoves) shelf.refreshSoon();
    stockMoves = shop.said.inventory;
  },
  state(state) {
    byId("feed-state").dataset.state = state;
    byId("feed-state").textContent = state === "live" ? "live" : "connecting…";
  },
});
