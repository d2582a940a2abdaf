// Links to messages, as chat.getPermalink gives them, lead to the message in this page.
// https://docs.slack.dev/reference/methods/chat.getPermalink

import { isReply } from "./directory.js";
import { goTo } from "./messages.js";
import { state, until } from "./store.js";

const PERMALINK = /^https:\/\/[\w-]+\.slack\.com\/archives\/(?<channel>\w+)\/p(?<seconds>\d+)(?<micros>\d{6})(?:[?#]|$)/;
const FOUND_MILLIS = 3000;

export function startPermalinks() {
  document.addEventListener("click", (event) => {
    const message = linked(event.target.closest?.("a[href]"));
    if (!message) return;
    event.preventDefault();
    follow(message);
  });
}

/** The message to which a link leads, if the acting person sees it. */
function linked(anchor) {
  const found = anchor && PERMALINK.exec(anchor.href)?.groups;
  const message = found && state.messages.get(`${found.seconds}.${found.micros}`);
  const seen = message?.channel === found?.channel && (!message?.visible_to || message.visible_to === state.me);
  return message && seen ? message : null;
}

async function follow(message) {
  const inThread = isReply(message);
  const thread = inThread ? { thread: message.thread_ts, panelTab: "thread", panelOpen: true } : { panelOpen: false };
  goTo(message.channel, { appTab: "messages", ...thread });
  const place = inThread ? ".thread-log" : "#messages";
  const shown = () => document.querySelector(`${place} [data-ts="${message.ts}"]`);
  await until(shown, 2);
  const node = shown();
  if (!node) return;
  node.scrollIntoView({ block: "center" });
  node.focus({ preventScroll: true });
  node.classList.add("found");
  setTimeout(() => node.classList.remove("found"), FOUND_MILLIS);
}
