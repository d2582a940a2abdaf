// On a phone the channels and the other side are drawers.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { change, state } from "./store.js";

const DRAWERS = [
  { open: "navOpen", button: "nav-toggle", drawer: "nav", glyph: "menu", label: "Channels" },
  { open: "panelOpen", button: "panel-toggle", drawer: "panel", glyph: "panel", label: "SendGrid and the record" },
];
const shade = document.getElementById("shade");
const phone = matchMedia("(max-width: 760px)");
const none = { navOpen: false, panelOpen: false };

export function startDrawers() {
  for (const { open, button, glyph, label } of DRAWERS) {
    const node = document.getElementById(button);
    node.replaceChildren(icon(glyph), el("span", { class: "sr" }, label));
    node.addEventListener("click", () => change({ ...none, [open]: !state[open] }));
  }
  const close = document.getElementById("panel-close");
  close.prepend(icon("close"));
  close.addEventListener("click", () => change(none));
  shade.addEventListener("click", () => change(none));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) change(none);
  });
  phone.addEventListener("change", () => change(none));
}

export function drawDrawers() {
  shade.hidden = !phone.matches || !DRAWERS.some(({ open }) => state[open]);
  for (const { open, button, drawer } of DRAWERS) {
    const isOpen = Boolean(state[open]);
    const node = document.getElementById(drawer);
    document.getElementById(button).setAttribute("aria-expanded", String(isOpen));
    node.classList.toggle("open", isOpen);
    // A drawer that is out of sight is out of reach of the Tab key, too.
    node.inert = phone.matches && !isOpen;
  }
  document.querySelector("main").inert = !shade.hidden;
}
