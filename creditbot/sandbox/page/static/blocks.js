// Block Kit, drawn. https://docs.slack.dev/reference/block-kit/blocks
// `on` says where the blocks stand: a message's `{channel, ts}`, or a view's `{view}`.

import { drawChart } from "./charts.js";
import { drawDataTable } from "./datatables.js";
import { el } from "./dom.js";
import { drawControl } from "./elements.js";
import { drawInput } from "./inputs.js";
import { drawMarkdown } from "./markdown.js";
import { drawRichText } from "./richtext.js";
import { drawTable } from "./tables.js";
import { drawText } from "./text.js";
import { unknown } from "./unknown.js";

const BLOCKS = {
  section,
  header: (block) => el("h3", { class: "header" }, drawText(block.text)),
  divider: () => el("hr"),
  context: (block) => el("div", { class: "context" }, block.elements.map(contextPart)),
  actions: (block, on) => el("div", { class: "actions" }, block.elements.map((part) => drawControl(part, block, on))),
  context_actions: (block, on) =>
    el("div", { class: "actions" }, block.elements.map((part) => drawControl(part, block, on))),
  input: (block, on) => drawInput(block, on),
  image: (block) => picture(block, block.title),
  table: (block) => drawTable(block),
  data_table: (block) => drawDataTable(block),
  rich_text: (block) => drawRichText(block),
  markdown: (block) => el("div", { class: "markdown" }, drawMarkdown(block.text)),
  alert,
  card,
  container,
  carousel: (block, on) => el("div", { class: "carousel", tabindex: "0" }, block.elements.map((part) => card(part, on))),
  data_visualization: (block) => drawChart(block),
};

/** Every block in its order; one that this page does not know is named, not passed over. */
export function drawBlocks(blocks, on) {
  return blocks.map((block) => {
    const draw = BLOCKS[block.type];
    if (!draw) return unknown("block", block.type);
    try {
      return draw(block, on);
    } catch (error) {
      console.error(error);
      return unknown("block", block.type, "it is not built as the page expects");
    }
  });
}

function section(block, on) {
  const fields = (block.fields ?? []).map((field) => el("div", { class: "field" }, drawText(field)));
  return el(
    "div",
    { class: block.accessory ? "section with-accessory" : "section" },
    el(
      "div",
      {},
      block.text ? el("p", {}, drawText(block.text)) : null,
      fields.length ? el("div", { class: "fields" }, fields) : null,
    ),
    block.accessory ? accessory(block.accessory, block, on) : null,
  );
}

function accessory(part, block, on) {
  return part.type === "image" ? picture(part) : drawControl(part, block, on);
}

function contextPart(part) {
  return part.type === "image" ? picture(part) : el("span", {}, drawText(part));
}

/** A picture of another host is not fetched: the page asks nobody but the sandbox. */
function picture(part, title) {
  return el(
    "figure",
    { class: "picture" },
    title ? el("figcaption", {}, drawText(title)) : null,
    el("span", {}, `Picture: ${part.alt_text ?? "without a description"}`),
  );
}

function alert(block) {
  const level = ["info", "warning", "error", "success"].includes(block.level) ? block.level : "info";
  return el("div", { class: `alert ${level}` }, el("p", {}, drawText(block.text)));
}

function card(block, on) {
  return el(
    "section",
    { class: "card" },
    block.hero_image ? picture(block.hero_image) : null,
    block.title ? el("h3", {}, drawText(block.title)) : null,
    block.subtitle ? el("p", { class: "muted" }, drawText(block.subtitle)) : null,
    block.body ? el("p", {}, drawText(block.body)) : null,
    block.actions?.length
      ? el("div", { class: "actions" }, block.actions.map((part) => drawControl(part, block, on)))
      : null,
  );
}

function container(block, on) {
  return el(
    "section",
    { class: "container" },
    el("h3", {}, block.title ? drawText(block.title) : drawRichText(block.rich_text_title)),
    block.subtitle ? el("p", { class: "muted" }, drawText(block.subtitle)) : null,
    drawBlocks(block.child_blocks ?? [], on),
  );
}
