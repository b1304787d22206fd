// Draws one order's way through the services: a lane for each, a row for each thing that was said.

import { drawing, element, symbol } from "./dom.js";
import { duration } from "./format.js";
import { SERVICES, listenersOf, messageOf } from "./services.js";

/** The heads of the lanes. */
export function drawStations() {
  const stations = SERVICES.map((service) =>
    element("span", { "data-service": service }, symbol(`service-${service}`), element("span", {}, service)),
  );
  return element("div", { class: "stations", "aria-hidden": "true" }, ...stations);
}

/** One row. `fresh` rows are drawn as if by hand; what is only remembered is simply there. */
export function drawStep(step, fresh) {
  return element(
    "li",
    {
      class: fresh ? "step fresh" : "step",
      "data-step": step.name,
      "data-kind": step.kind,
      "data-service": step.service,
    },
    element(
      "p",
      { class: "words" },
      element("time", { datetime: new Date(step.at).toISOString() }, `+${duration(step.after_ms)}`),
      element("span", { class: "who" }, step.service),
      element("strong", {}, titleOf(step)),
      element("span", { class: "detail" }, detailOf(step)),
    ),
    drawTrack(step, fresh),
  );
}

function titleOf({ kind, name, attempt }) {
  if (kind === "retried") return `attempt ${attempt} failed`;
  if (kind === "dead-lettered") return "gave up";
  return messageOf(name);
}

function detailOf({ kind, detail, about, reason, retry_in_ms: pause }) {
  if (kind === "retried") return `${detail}; again in ${duration(pause)}`;
  if (kind === "dead-lettered") {
    return `${messageOf(about)} waits in the dead-letter queue (${reason.replaceAll("-", " ")}): ${detail}`;
  }
  return detail;
}

/** The lanes at the height of one row: where it was said, and an arrow to whoever reacts. */
function drawTrack(step, fresh) {
  const track = drawing("svg", { class: "track", "aria-hidden": "true" });
  for (const service of SERVICES) {
    track.append(drawing("line", { class: "lane", x1: lane(service), x2: lane(service), y1: "0%", y2: "100%" }));
  }
  const from = SERVICES.indexOf(step.service);
  if (from < 0) return track;
  if (step.kind === "event") drawArrows(track, step, from);
  if (step.kind === "retried") drawRetry(track, step, fresh);
  if (step.kind === "dead-lettered") track.append(at(step.service, drawing("path", { class: "cross", d: "M-5-5 5 5M5-5-5 5" })));
  else track.append(drawing("circle", { class: "said", cx: lane(step.service), cy: "50%", r: 5 }));
  return track;
}

function drawArrows(track, { name, service }, from) {
  for (const listener of listenersOf(name)) {
    const rightward = SERVICES.indexOf(listener) > from;
    const line = { x1: lane(service), x2: lane(listener), y1: "50%", y2: "50%" };
    track.append(drawing("line", { class: "arrow", pathLength: 1, ...line }));
    const head = rightward ? "M-11-4.5-3 0-11 4.5Z" : "M11-4.5 3 0 11 4.5Z";
    track.append(at(listener, drawing("path", { class: "head", d: head }), drawing("circle", { class: "heard", r: 3 })));
  }
}

/** A bow back to the same lane, and while it lasts a bar for the pause. */
function drawRetry(track, { service, retry_in_ms: pause }, fresh) {
  track.append(at(service, drawing("path", { class: "bow", d: "M6-4C24-14 24 14 7 5M7 5l6-2M7 5l2 6" })));
  if (!fresh) return;
  const bar = drawing("line", { class: "pause", pathLength: 1, x1: "2%", x2: "98%", y1: "96%", y2: "96%" });
  bar.style.setProperty("--pause", `${pause}ms`);
  track.append(bar);
}

/** Drawings whose origin is the middle of a lane. */
function at(service, ...parts) {
  return drawing("svg", { x: lane(service), y: "50%", overflow: "visible" }, ...parts);
}

function lane(service) {
  return `${((SERVICES.indexOf(service) + 0.5) / SERVICES.length) * 100}%`;
}
