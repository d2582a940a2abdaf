// The name of where the person is, and whether anybody answers.

import { channel, groupsOf, inApp, me } from "./directory.js";
import { state } from "./store.js";

const name = document.getElementById("place-name");
const about = document.getElementById("place-about");

export function drawPlace() {
  if (!state.me) return;
  const here = channel(state.channel);
  setText(name, inApp() ? state.directory.bot.name : `# ${here?.name ?? state.channel}`);
  setText(about, status() ?? described(here));
  about.classList.toggle("warning", status() !== null);
  document.title = `${name.textContent.replace("# ", "#")} · creditbot sandbox`;
}

function status() {
  if (!state.online) return "The sandbox does not answer. Is creditbot demo still running?";
  if (!state.bot.connected) return "creditbot is starting. Wait a moment before you type a command.";
  return null;
}

function described(here) {
  if (inApp()) return "Direct messages from creditbot";
  const groups = groupsOf(state.me).map((group) => `@${group.handle}`);
  const as = `${me().real_name}${groups.length ? `, of ${groups.join(", ")}` : ""}`;
  return `${here?.members.length.toLocaleString("en")} members · you act as ${as}`;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
