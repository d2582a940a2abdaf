// A coloured letter for each person, and the coins for the bot.

import { nameOf } from "./directory.js";
import { el } from "./dom.js";
import { state } from "./store.js";

export function avatar(id) {
  if (id === state.directory.bot.id) {
    return el("img", { class: "avatar", src: "/static/icon.svg", alt: "", width: "36", height: "36" });
  }
  const place = state.directory.people.findIndex((one) => one.id === id);
  return el("span", { class: `avatar hue-${place % 6}`, "aria-hidden": "true" }, nameOf(id).slice(0, 1));
}
