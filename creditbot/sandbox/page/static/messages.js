// The messages of the present channel, each edited where it stands.

import { avatar } from "./avatars.js";
import { drawBlocks } from "./blocks.js";
import { clock, inFull } from "./dates.js";
import { dmOf, inApp, nameOf, repliesTo, unread, visibleIn } from "./directory.js";
import { el, keyed } from "./dom.js";
import { icon } from "./icons.js";
import { change, state } from "./store.js";
import { drawMrkdwn } from "./text.js";

const NEAR_THE_END = 80;
const NOTHING_NEW = "9";

const list = document.getElementById("messages");
const below = document.getElementById("below");
let shownPlace = null;
let newSince = "0";
let lastShown = null;

export function startMessages() {
  below.addEventListener("click", toTheEnd);
  list.addEventListener("scroll", () => isAtEnd() && (below.hidden = true), { passive: true });
}

/** Show the newest message, and go on showing the newest. */
export function toTheEnd() {
  list.scrollTop = list.scrollHeight;
  below.hidden = true;
}

const isAtEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;

export function drawMessages() {
  list.hidden = inApp() && state.appTab === "home";
  if (list.hidden || !state.channel) return;
  const place = `${state.me}/${state.channel}`;
  const moved = place !== shownPlace;
  if (moved) newSince = unread(state.channel).count ? (seen() ?? "0") : NOTHING_NEW;
  const atEnd = moved || isAtEnd();
  shownPlace = place;
  const messages = visibleIn(state.channel);
  // The log of a place that was just entered is no news; what comes in afterwards is read out.
  list.setAttribute("aria-live", moved ? "off" : "polite");
  for (const node of keyed(list, rows(messages), ROWS)) if (!moved) node.classList.add("changed");
  const last = messages.at(-1)?.ts ?? null;
  if (atEnd) toTheEnd();
  else if (last !== lastShown) below.hidden = false;
  lastShown = last;
  markRead(messages);
}

const ROWS = {
  key: (row) => row.ts ?? row.kind,
  version: (row) => [row, row.ts && repliesTo(row.ts).length, state.me, state.directory],
  draw: (row) => (row.kind ? DIVIDERS[row.kind](row) : drawMessage(row)),
};

const DIVIDERS = {
  new: () => el("div", { class: "new", role: "separator", "aria-label": "New messages" }, el("span", {}, "New")),
  empty: () => el("p", { class: "empty" }, emptyText()),
};

function rows(messages) {
  if (!messages.length) return [{ kind: "empty", channel: state.channel }];
  const first = messages.findIndex((message) => message.ts > newSince && message.user !== state.me);
  if (first < 1) return messages;
  return [...messages.slice(0, first), { kind: "new" }, ...messages.slice(first)];
}

function emptyText() {
  if (inApp()) return "creditbot writes here about your requests.";
  if (state.channel === state.cast.approvals) return "Requests that need approval appear here as cards.";
  return "No messages yet. Type / in the box below.";
}

/** One message, in a channel or in a thread. */
export function drawMessage(message, { inThread = false } = {}) {
  const replies = inThread ? 0 : repliesTo(message.ts).length;
  const millis = Number(message.ts) * 1000;
  return el(
    "article",
    { class: message.visible_to ? "message private" : "message", tabindex: "-1", "data-ts": message.ts },
    avatar(message.user),
    el(
      "div",
      { class: "said" },
      message.visible_to ? el("p", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      el(
        "header",
        {},
        el("b", { class: "name" }, nameOf(message.user)),
        message.user === state.directory.bot.id ? el("span", { class: "app" }, "App") : null,
        el("time", { datetime: new Date(millis).toISOString(), title: inFull(millis) }, clock(millis)),
      ),
      el("div", { class: "body" }, body(message)),
      message.trouble ? trouble() : null,
      inThread ? null : threadButton(message, replies),
    ),
  );
}

function body(message) {
  const on = { channel: message.channel, ts: message.ts };
  if (message.blocks.length) return drawBlocks(message.blocks, on);
  const edited = message.edited ? el("span", { class: "muted" }, " (edited)") : null;
  return el("p", {}, drawMrkdwn(message.text), edited);
}

function trouble() {
  return el("p", { class: "trouble" }, icon("warning"), "creditbot did not answer this click. Try again.");
}

function threadButton(message, replies) {
  if (message.visible_to) return null;
  const label = replies ? `${replies.toLocaleString("en")} ${replies === 1 ? "reply" : "replies"}` : "Reply in thread";
  return el(
    "button",
    {
      type: "button",
      class: replies ? "thread has-replies" : "thread",
      "data-focus": `thread/${message.ts}`,
      click: () => change({ thread: message.ts, panelTab: "thread", panelOpen: true }),
    },
    icon("reply"),
    label,
  );
}

const seen = () => state.read[state.me]?.[state.channel];

function markRead(messages) {
  const last = messages.at(-1)?.ts;
  if (!last || seen() === last || document.visibilityState === "hidden") return;
  const mine = { ...state.read[state.me], [state.channel]: last };
  change({ read: { ...state.read, [state.me]: mine } });
}

/** Go to a channel, as the acting person. */
export function goTo(channel, more = {}) {
  change({ channel, navOpen: false, ...more });
}

/** Act as somebody else; a direct message of the one before is not theirs. */
export function actAs(user) {
  change({ me: user, channel: inApp() ? dmOf(user) : state.channel, thread: null, panelTab: leaveThread() });
}

const leaveThread = () => (state.panelTab === "thread" ? "sendgrid" : state.panelTab);
