// Making and updating elements. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes that are functions become listeners, `null` and `false` leave one out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Let `parent` hold one child for each item, in their order. A child whose version is still the same stays as it
 * is; one whose version is another is drawn anew, and keyboard focus inside it stays where it was.
 * Returns the children that were replaced.
 */
export function keyed(parent, items, { key, version, draw }) {
  const present = new Map([...parent.children].map((child) => [child.dataset.item, child]));
  const replaced = [];
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const now = JSON.stringify(version(item));
    const old = present.get(name);
    present.delete(name);
    let node = old;
    if (!old || old.seenVersion !== now) {
      node = draw(item);
      node.dataset.item = name;
      node.seenVersion = now;
    }
    if (old && node !== old) {
      const focused = focusInside(old);
      if (place === old) place = node;
      old.replaceWith(node);
      restoreFocus(node, focused);
      replaced.push(node);
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const gone of present.values()) gone.remove();
  return replaced;
}

/** Draw `parent` anew if what it shows has changed. */
export function redraw(parent, version, draw) {
  const now = JSON.stringify(version);
  if (parent.seenVersion === now) return;
  parent.seenVersion = now;
  const focused = focusInside(parent);
  parent.replaceChildren(...[draw()].flat(Infinity).filter(Boolean));
  restoreFocus(parent, focused);
}

function focusInside(node) {
  const focused = document.activeElement;
  if (!focused || focused === node || !node.contains(focused)) return focused === node ? "" : null;
  return focused.dataset.focus ?? "";
}

function restoreFocus(node, focused) {
  if (focused === null) return;
  const again = focused && [...node.querySelectorAll("[data-focus]")].find((part) => part.dataset.focus === focused);
  if (again) again.focus({ preventScroll: true });
  else if (node.tabIndex >= -1 && node.hasAttribute("tabindex")) node.focus({ preventScroll: true });
}
