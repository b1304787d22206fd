// The services in the order in which an order meets them, and who reacts to what.

/** The stations of every diagram, from left to right. */
export const SERVICES = ["storefront", "orders", "inventory", "payments", "shipping", "notifications"];

/** Which services react to an event. One that is not listed is drawn without an arrow. */
const LISTENERS = {
  "storefront.checkout-submitted": ["orders"],
  "orders.order-placed": ["inventory"],
  "orders.order-confirmed": ["shipping", "notifications"],
  "orders.order-cancelled": ["inventory", "notifications"],
  "inventory.stock-reserved": ["orders", "payments"],
  "inventory.stock-rejected": ["orders"],
  "payments.payment-captured": ["orders"],
  "payments.payment-declined": ["orders"],
  "shipping.shipment-dispatched": ["orders", "notifications"],
};

/** What people call the stages of an order. */
export const STAGES = {
  submitted: "submitted",
  placed: "placed",
  reserved: "stock reserved",
  confirmed: "paid",
  dispatched: "dispatched",
  cancelled: "cancelled",
  "dead-lettered": "waits for a person",
};

export function listenersOf(name) {
  return LISTENERS[name] ?? [];
}

/** `order-placed` of `orders.order-placed`. */
export function messageOf(name) {
  return name.slice(name.indexOf(".") + 1);
}

/** Whether nothing more is to come. */
export function isEnd(stage) {
  return stage === "dispatched" || stage === "cancelled";
}
