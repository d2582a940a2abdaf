// The box at the bottom: messages, and commands with their completion.

import { act } from "./api.js";
import { complete } from "./completion.js";
import { inApp } from "./directory.js";
import { el } from "./dom.js";
import { toTheEnd } from "./messages.js";
import { state, until } from "./store.js";

const form = document.getElementById("composer");
const input = document.getElementById("text");
const list = document.getElementById("completions");
const usage = document.getElementById("usage");
const trouble = document.getElementById("trouble");
const readOnly = document.getElementById("read-only");

const START_SECONDS = 15;

let items = [];
let active = 0;
const sent = [];
let recalled = 0;

export function startComposer() {
  input.addEventListener("input", suggest);
  input.addEventListener("focus", suggest);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", keyed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}

export function drawComposer() {
  const closed = inApp();
  form.hidden = closed || !state.me;
  readOnly.hidden = !closed || state.appTab === "home";
  input.placeholder = "Message, or / for commands";
}

/** Put a text into the box, for the person to send. */
export function fillIn(text) {
  input.value = text;
  input.focus();
  input.setSelectionRange(text.length, text.length);
  suggest();
}

function suggest() {
  const found = complete(input.value, state.usage);
  items = found.items;
  active = 0;
  drawHint(found.hint);
  drawItems();
}

function drawHint(hint) {
  usage.hidden = !hint;
  if (!hint) return usage.replaceChildren();
  usage.replaceChildren(
    el("code", {}, hint.command, hint.args.map((arg, place) => [" ", place === hint.at ? el("b", {}, arg) : arg])),
  );
}

function drawItems() {
  list.hidden = !items.length;
  input.setAttribute("aria-expanded", String(Boolean(items.length)));
  list.replaceChildren(
    ...items.map((item, place) =>
      el(
        "li",
        {
          role: "option",
          id: `completion-${place}`,
          "aria-selected": String(place === active),
          mousedown: (event) => {
            event.preventDefault();
            accept(item);
          },
        },
        el("code", {}, el("b", {}, item.command), item.args.map((arg) => ` ${arg}`)),
      ),
    ),
  );
  if (!items.length) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", `completion-${active}`);
  list.children[active].scrollIntoView({ block: "nearest" });
}

function close() {
  items = [];
  drawItems();
}

function accept(item) {
  input.value = item.insert;
  suggest();
  if (!item.args.length) close();
}

function keyed(event) {
  if (event.isComposing) return;
  if (items.length) return keyedInList(event);
  if (event.key === "ArrowUp" && (!input.value || recalled)) recall(event, 1);
  else if (event.key === "ArrowDown" && recalled) recall(event, -1);
  else if (event.key !== "Shift") recalled = 0;
}

function keyedInList(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const whole = items[active].command === input.value.trim();
  if (step) active = (active + step + items.length) % items.length;
  else if (event.key === "Escape") items = [];
  else if (event.key === "Tab" && !event.shiftKey && !whole) return prevent(event, () => accept(items[active]));
  else if (event.key === "Enter" && !whole) return prevent(event, () => accept(items[active]));
  else return;
  event.preventDefault();
  drawItems();
}

function prevent(event, then) {
  event.preventDefault();
  then();
}

function recall(event, step) {
  if (!sent.length) return;
  event.preventDefault();
  recalled = Math.max(0, Math.min(recalled + step, sent.length));
  input.value = recalled ? sent.at(-recalled) : "";
}

/** The box is free again at once: whoever types on does not wait for the bot's answer. */
async function send() {
  const text = input.value.trim();
  if (!text) return;
  trouble.textContent = "";
  input.value = "";
  recalled = 0;
  sent.push(text);
  close();
  drawHint(null);
  toTheEnd(); // so that the answer comes into sight
  try {
    const said = { user: state.me, channel: state.channel, text };
    // In its first second creditbot is not connected yet, and Slack would only say that the command failed.
    if (text.startsWith("/")) await until(() => state.bot.connected, START_SECONDS);
    await act("say", said);
  } catch (error) {
    trouble.textContent = error.message;
    if (!input.value) input.value = text;
  }
}
