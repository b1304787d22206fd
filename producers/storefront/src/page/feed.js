// The one event stream of a page. A browser has six connections to a host for all its tabs, so a page opens
// one, follows its own orders in it, and closes it while nobody looks.

const RETRY_MS = 3000;

/** Opens the stream for these orders; `on` says what to do with `step` and `shop` events and a change of `state`. */
export function openFeed({ follow: followed, ...on }) {
  let source = null;
  let retry = null;

  function open() {
    close();
    on.state("connecting");
    source = new EventSource(followed.length ? `/api/live?follow=${followed.join(",")}` : "/api/live");
    source.addEventListener("open", () => on.state("live"));
    source.addEventListener("step", (event) => on.step(JSON.parse(event.data)));
    source.addEventListener("shop", (event) => on.shop(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      on.state("connecting");
      // The browser tries again by itself, unless the answer was no stream at all.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    });
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (source === null) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();

  return {
    /** Follows these orders from now on; what is remembered of them comes again from its first step. */
    follow(orderIds) {
      followed = orderIds;
      if (!document.hidden) open();
    },
  };
}
