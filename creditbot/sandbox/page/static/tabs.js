// Tabs that work by keyboard. https://www.w3.org/WAI/ARIA/apg/patterns/tabs/

import { el, redraw } from "./dom.js";

/** `tabs` are `{name, label, panel}`; `choose` is called with a name. */
export function drawTabs(place, tabs, chosen, choose) {
  redraw(place, [tabs, chosen], () => tabs.map((tab, at) => drawTab(tab, at, tabs, chosen, choose)));
}

function drawTab({ name, label, panel }, at, tabs, chosen, choose) {
  return el(
    "button",
    {
      type: "button",
      role: "tab",
      id: `tab-${name}`,
      "aria-selected": String(name === chosen),
      "aria-controls": panel,
      tabindex: name === chosen ? "0" : "-1",
      "data-focus": `tab-${name}`,
      click: () => choose(name),
      keydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = tabs[(at + step + tabs.length) % tabs.length].name;
        choose(next);
        queueMicrotask(() => document.getElementById(`tab-${next}`)?.focus());
      },
    },
    label,
  );
}
