// One thread: the message that it is about, its replies, and a box for another.

import { act } from "./api.js";
import { repliesTo } from "./directory.js";
import { el, keyed } from "./dom.js";
import { drawMessage } from "./messages.js";
import { change, state } from "./store.js";

export function drawThread(body) {
  const parent = state.messages.get(state.thread);
  if (!body.firstChild) body.append(frame());
  const messages = parent ? [parent, ...repliesTo(state.thread)] : [];
  keyed(body.querySelector(".thread-log"), messages, {
    key: (message) => message.ts,
    version: (message) => [message, state.me],
    draw: (message) => drawMessage(message, { inThread: true }),
  });
}

function frame() {
  const input = el("input", { type: "text", id: "reply", maxlength: "4000", autocomplete: "off" });
  const trouble = el("p", { class: "trouble", role: "alert" });
  const reply = async (event) => {
    event.preventDefault();
    const parent = state.messages.get(state.thread);
    if (!parent || !input.value.trim()) return;
    try {
      await act("say", { user: state.me, channel: parent.channel, text: input.value, thread_ts: parent.ts });
      input.value = "";
      trouble.textContent = "";
    } catch (error) {
      trouble.textContent = error.message;
    }
  };
  return el(
    "div",
    { class: "thread-view" },
    el("button", { type: "button", class: "quiet", click: () => change({ thread: null, panelTab: "sendgrid" }) }, "Close thread"),
    el("div", { class: "thread-log", role: "log", "aria-label": "Thread" }),
    trouble,
    el("form", { class: "line", submit: reply }, el("label", { for: "reply", class: "sr" }, "Reply"), input, el("button", { type: "submit", class: "primary" }, "Reply")),
  );
}
