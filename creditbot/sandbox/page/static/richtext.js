// The `rich_text` block. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

import { el } from "./dom.js";
import { channelMention, dateText, groupMention, lines, link, mention } from "./text.js";

const PARTS = {
  rich_text_section: (part) => el("p", {}, inlines(part)),
  rich_text_preformatted: (part) => el("pre", { tabindex: "0" }, inlines(part)),
  rich_text_quote: (part) => el("blockquote", {}, inlines(part)),
  rich_text_list: (part) =>
    el(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => el("li", {}, inlines(item)))),
};

const INLINES = {
  text: (part) => styled(lines(part.text), part.style),
  link: (part) => styled([link(part.url, part.text ?? part.url)], part.style),
  user: (part) => mention(part.user_id),
  usergroup: (part) => groupMention(part.usergroup_id),
  channel: (part) => channelMention(part.channel_id),
  broadcast: (part) => el("span", { class: "mention mine" }, `@${part.range}`),
  emoji: (part) => (part.unicode ? String.fromCodePoint(...part.unicode.split("-").map((code) => parseInt(code, 16))) : `:${part.name}:`),
  date: (part) => dateText(part.timestamp, part.format ?? "{date_short}", part.fallback ?? ""),
  color: (part) => el("code", {}, part.value),
};

export function drawRichText(block) {
  return el("div", { class: "rich" }, block.elements.map((part) => (PARTS[part.type] ?? odd)(part)));
}

export const inlines = (part) => part.elements.map((inner) => (INLINES[inner.type] ?? odd)(inner));

const odd = (part) => el("span", { class: "unknown" }, `A ${part.type} stands here, which this page does not know.`);

function styled(nodes, style = {}) {
  const tags = { bold: "b", italic: "i", strike: "s", code: "code", underline: "u" };
  return Object.entries(tags).reduce((inner, [name, tag]) => (style[name] ? [el(tag, {}, inner)] : inner), nodes);
}
