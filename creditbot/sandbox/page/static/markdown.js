// The `markdown` block: headings, lists, quotes, code, bold, italics and links of standard Markdown.
// https://docs.slack.dev/reference/block-kit/blocks/markdown-block

import { el } from "./dom.js";
import { lines, link } from "./text.js";

const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<!\w)[*_]([^*_\n]+)[*_](?!\w)|~~([^~\n]+)~~|\[([^\]\n]+)\]\(([^)\s]+)\)/g;

export function drawMarkdown(text) {
  return text.split(/```[^\n]*\n?([\s\S]*?)```/).flatMap((part, place) => {
    if (place % 2) return [el("pre", { tabindex: "0" }, part.replace(/\n$/, ""))];
    return part.split(/\n{2,}/).filter((piece) => piece.trim()).map(paragraph);
  });
}

function paragraph(piece) {
  const rows = piece.trim().split("\n");
  const heading = /^#{1,6}\s+(.*)$/.exec(rows[0]);
  if (heading) return [el("h4", {}, inline(heading[1])), rows.length > 1 ? paragraph(rows.slice(1).join("\n")) : null];
  if (rows.every((row) => /^\s*[-*]\s+/.test(row))) return list("ul", rows, /^\s*[-*]\s+/);
  if (rows.every((row) => /^\s*\d+\.\s+/.test(row))) return list("ol", rows, /^\s*\d+\.\s+/);
  if (rows.every((row) => row.startsWith(">"))) return el("blockquote", {}, inline(rows.map((row) => row.replace(/^> ?/, "")).join("\n")));
  if (/^(?:---+|\*\*\*+)$/.test(piece.trim())) return el("hr");
  return el("p", {}, inline(rows.join("\n")));
}

const list = (kind, rows, mark) => el(kind, {}, rows.map((row) => el("li", {}, inline(row.replace(mark, "")))));

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(lines(text.slice(end, found.index)), mark(found));
    end = found.index + found[0].length;
  }
  return [nodes, lines(text.slice(end))];
}

function mark([, code, bold, italic, strike, label, url]) {
  if (code !== undefined) return el("code", {}, code);
  if (bold !== undefined) return el("b", {}, bold);
  if (italic !== undefined) return el("i", {}, italic);
  if (strike !== undefined) return el("s", {}, strike);
  return link(url, label);
}
