// The app's two tabs: Home, which the bot publishes, and Messages.

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { inApp } from "./directory.js";
import { el, redraw } from "./dom.js";
import { change, state } from "./store.js";
import { drawTabs } from "./tabs.js";

const tabs = document.getElementById("app-tabs");
const home = document.getElementById("home");
const TABS = [
  { name: "home", label: "Home", panel: "home" },
  { name: "messages", label: "Messages", panel: "messages" },
];

export function drawHome() {
  tabs.hidden = !inApp();
  home.hidden = !inApp() || state.appTab !== "home";
  if (tabs.hidden) return;
  drawTabs(tabs, TABS, state.appTab, open);
  if (home.hidden) return;
  const view = [...state.views.values()].find((one) => one.user === state.me && one.view.type === "home");
  redraw(home, [state.me, view, state.directory], () => (view ? drawBlocks(view.view.blocks, { view: view.id }) : nothing()));
}

/** Opening Home tells the bot, which may publish it only then. */
function open(name) {
  change({ appTab: name });
  if (name === "home") act("home", { user: state.me }).catch(() => {});
}

function nothing() {
  return el(
    "div",
    { class: "empty" },
    el("h3", {}, "No Home tab yet"),
    el("p", {}, "creditbot doesn’t use the Home tab. It works in channels and direct messages:"),
    el("ul", {}, el("li", {}, el("code", {}, "/credits help"), " in any channel lists the commands."), el("li", {}, "The Messages tab has the news about your requests.")),
  );
}
