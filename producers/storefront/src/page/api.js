// The HTTP interface. An answer that is an error becomes a Problem with words for people.

/** What `application/problem+json` says. */
export class Problem extends Error {
  constructor({ status = 0, detail, errors = [] }) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

export function stock() {
  return call("/api/stock");
}

/** An order, or null when the shop does not know it. */
export async function order(orderId) {
  try {
    return await call(`/api/orders/${orderId}`);
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

export function submit(checkout) {
  const headers = { "content-type": "application/json" };
  return call("/api/checkouts", { method: "POST", headers, body: JSON.stringify(checkout) });
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(15_000), ...options });
  } catch {
    throw new Problem({ detail: "The shop cannot be reached. Is the storefront running?" });
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new Problem({ detail: `The shop answered with ${response.status}.`, ...body, status: response.status });
}
