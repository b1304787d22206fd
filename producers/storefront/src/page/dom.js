// Elements from values. Text is always set as text: nothing that a message says becomes markup.

/** An element: `element("p", { class: "gist" }, "two mugs")`. `null` attributes and children are left out. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** The symbol of that name from the sheet in index.html. */
export function symbol(name, attributes = {}) {
  return drawing("svg", { "aria-hidden": "true", ...attributes }, drawing("use", { href: `#${name}` }));
}

/** The element with that id, which index.html promises. */
export function byId(id) {
  return document.getElementById(id);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
