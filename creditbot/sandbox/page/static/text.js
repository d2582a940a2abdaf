// Text objects, drawn: names for IDs, the reader's own time, links that leave safely.

import { formatted, inFull } from "./dates.js";
import { channel, groupsOf, nameOf, person } from "./directory.js";
import { el } from "./dom.js";
import { parse } from "./mrkdwn.js";
import { state } from "./store.js";

/** A `plain_text` or `mrkdwn` object as nodes. */
export function drawText(text) {
  if (!text) return [];
  if (text.type === "mrkdwn") return drawMrkdwn(text.text);
  return lines(String(text.text ?? ""));
}

export const drawMrkdwn = (text) => parse(text ?? "").map(draw);

/** Plain characters; a line break stays one. */
export function lines(text) {
  return text.split("\n").flatMap((line, place) => (place ? [el("br"), line] : [line]));
}

export function link(url, ...children) {
  const safe = /^(?:https?:|mailto:)/i.test(url);
  if (!safe) return el("span", {}, ...children);
  return el("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, ...children);
}

export function mention(id, label) {
  const known = person(id) || id === state.directory.bot.id;
  return el("span", { class: id === state.me ? "mention mine" : "mention" }, `@${known ? nameOf(id) : (label ?? id)}`);
}

export function groupMention(id, label) {
  const group = state.directory.groups.find((one) => one.id === id);
  const mine = groupsOf(state.me).some((one) => one.id === id);
  const name = group ? `@${group.handle}` : (label ?? `@${id}`);
  return el("span", { class: mine ? "mention mine" : "mention" }, name);
}

export function channelMention(id, label) {
  return el("span", { class: "mention" }, `#${channel(id)?.name ?? label ?? id}`);
}

export function dateText(seconds, format, fallback) {
  const shown = formatted(seconds, format);
  return el("time", { datetime: new Date(seconds * 1000).toISOString(), title: inFull(seconds * 1000) }, shown || fallback);
}

const DRAW = {
  text: (node) => node.text,
  break: () => el("br"),
  bold: (node) => el("b", {}, ...node.children.map(draw)),
  italic: (node) => el("i", {}, ...node.children.map(draw)),
  strike: (node) => el("s", {}, ...node.children.map(draw)),
  code: (node) => el("code", {}, node.text),
  pre: (node) => el("pre", { tabindex: "0" }, node.text),
  quote: (node) => el("blockquote", {}, ...node.children.map(draw)),
  link: (node) => link(node.url, node.text),
  user: (node) => mention(node.id, node.label),
  group: (node) => groupMention(node.id, node.label),
  channel: (node) => channelMention(node.id, node.label),
  broadcast: (node) => el("span", { class: "mention mine" }, `@${node.name}`),
  date: (node) => {
    const shown = dateText(node.seconds, node.format, node.fallback);
    return node.url ? link(node.url, shown) : shown;
  },
};

function draw(node) {
  return DRAW[node.kind](node);
}
