// The `table` block. https://docs.slack.dev/reference/block-kit/blocks/table-block

import { el } from "./dom.js";
import { drawRichText } from "./richtext.js";
import { lines } from "./text.js";

/** The first row is the header, as Slack shows it. */
export function drawTable(block) {
  const [first = [], ...rest] = block.rows;
  const row = (cells, tag) => el("tr", {}, cells.map((cell, place) => drawCell(cell, tag, settings(block, place))));
  return el(
    "div",
    { class: "table", tabindex: "0", role: "region", "aria-label": "Table" },
    el("table", {}, el("thead", {}, row(first, "th")), el("tbody", {}, rest.map((cells) => row(cells, "td")))),
  );
}

const settings = (block, place) => block.column_settings?.[place] ?? {};

function drawCell(cell, tag, { align, is_wrapped: wrapped }) {
  const classes = [["right", "center"].includes(align) ? align : "", wrapped ? "wrapped" : ""].join(" ").trim();
  return el(tag, { class: classes || null, scope: tag === "th" ? "col" : null }, content(cell));
}

/** What a cell of either kind of table shows. */
export function content(cell) {
  if (cell.type === "rich_text") return drawRichText(cell);
  if (cell.type === "raw_number") return cell.text ?? Number(cell.value).toLocaleString("en");
  return lines(String(cell.text ?? ""));
}
