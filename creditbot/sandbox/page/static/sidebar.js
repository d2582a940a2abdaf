// Channels and direct messages, with their unread marks.

import { avatar } from "./avatars.js";
import { channelsOf, dmOf, me, unread } from "./directory.js";
import { el, redraw } from "./dom.js";
import { icon } from "./icons.js";
import { goTo } from "./messages.js";
import { change, state } from "./store.js";

const nav = document.getElementById("nav");

export function drawSidebar() {
  if (!state.me) return;
  const places = [...channelsOf(state.me).map((one) => one.id), dmOf(state.me)];
  const marks = Object.fromEntries(places.map((id) => [id, unread(id)]));
  redraw(nav, [state.me, state.channel, marks, state.directory, state.bot], () => [
    el("p", { class: "workspace" }, state.directory.workspace, closeButton()),
    el("h2", {}, "Channels"),
    el("ul", {}, channelsOf(state.me).map((one) => item(one.id, el("span", { class: "hash" }, "#"), one.name, marks[one.id]))),
    el("h2", {}, "Apps"),
    el("ul", {}, item(dmOf(state.me), avatar(state.directory.bot.id), state.directory.bot.name, marks[dmOf(state.me)], presence())),
    el("p", { class: "who" }, avatar(state.me), el("span", {}, `You are ${me().real_name}`, el("small", {}, me().title))),
  ]);
}

/** On a phone the channels are a drawer, which also closes without a choice. */
function closeButton() {
  return el("button", { type: "button", class: "icon on-phone", click: () => change({ navOpen: false }) }, icon("close"), el("span", { class: "sr" }, "Close channels"));
}

function presence() {
  const on = state.bot.connected;
  return el("span", { class: on ? "presence on" : "presence" }, el("span", { class: "sr" }, on ? "connected" : "not connected"));
}

function item(id, sign, name, mark, extra) {
  const here = state.channel === id;
  const hint = mark.count ? `, ${mark.count.toLocaleString("en")} unread` : "";
  return el(
    "li",
    {},
    el(
      "button",
      {
        type: "button",
        class: mark.count ? "unread" : "",
        "aria-current": here ? "page" : null,
        "data-focus": id,
        click: () => goTo(id),
      },
      sign,
      el("span", { class: "name" }, name),
      extra,
      el("span", { class: "sr" }, hint),
      mark.calls ? el("span", { class: "badge", "aria-hidden": "true" }, mark.calls.toLocaleString("en")) : null,
    ),
  );
}
