// The `data_table` block: it pages and sorts by itself, and the bot hears nothing of it.
// https://docs.slack.dev/reference/block-kit/blocks/data-table-block

import { el } from "./dom.js";
import { content } from "./tables.js";

const PAGE = 5;
const NEXT_ORDER = { none: "ascending", ascending: "descending", descending: "none" };

export function drawDataTable(block) {
  const [headings = [], ...rows] = block.rows;
  const size = block.page_size ?? PAGE;
  const name = block.row_header_column_index ?? 0;
  const numeric = headings.map((_, place) => rows.every((row) => row[place].type === "raw_number"));
  const view = { page: 0, column: null, order: "none" };

  const heads = headings.map((cell, place) => drawHead(cell, place, numeric[place], sortBy));
  const body = el("tbody");
  const where = el("span", { class: "where", role: "status" });
  const back = turn("Previous page", "‹", () => show(view.page - 1));
  const on = turn("Next page", "›", () => show(view.page + 1));

  function sortBy(place) {
    view.order = view.column === place ? NEXT_ORDER[view.order] : "ascending";
    view.column = place;
    heads.forEach((head, at) => head.setAttribute("aria-sort", at === place ? view.order : "none"));
    show(0);
  }

  function show(page) {
    view.page = page;
    const first = page * size;
    const shown = sorted(rows, view, numeric).slice(first, first + size);
    body.replaceChildren(...shown.map((row) => drawRow(row, name, numeric)));
    // What is disabled loses the focus, so a button at its end says so and stays.
    back.setAttribute("aria-disabled", String(page === 0));
    on.setAttribute("aria-disabled", String(first + size >= rows.length));
    where.textContent = `${first + 1}–${first + shown.length} of ${rows.length.toLocaleString("en")}`;
  }

  show(0);
  return el(
    "figure",
    { class: "data-table" },
    el(
      "div",
      { class: "table", tabindex: "0", role: "region", "aria-label": block.caption },
      el("table", {}, el("caption", {}, block.caption), el("thead", {}, el("tr", {}, heads)), body),
    ),
    rows.length > size ? el("div", { class: "turns" }, back, where, on) : null,
  );
}

function drawHead(cell, place, numeric, sortBy) {
  return el(
    "th",
    { scope: "col", "aria-sort": "none", class: numeric ? "right" : null },
    el("button", { type: "button", class: "sort", "data-focus": `sort-${place}`, click: () => sortBy(place) }, content(cell)),
  );
}

function drawRow(row, name, numeric) {
  return el(
    "tr",
    {},
    row.map((cell, place) => {
      const classes = numeric[place] ? "right" : null;
      return place === name ? el("th", { scope: "row", class: classes }, content(cell)) : el("td", { class: classes }, content(cell));
    }),
  );
}

function turn(label, sign, go) {
  return el("button", { type: "button", class: "plain small", "aria-label": label, "data-focus": label, click: pressed }, sign);
  function pressed(event) {
    if (event.currentTarget.getAttribute("aria-disabled") !== "true") go();
  }
}

/** By number where all cells of a column are numbers, else by letters. */
function sorted(rows, { column, order }, numeric) {
  if (order === "none") return rows;
  const by = numeric[column] ? (row) => Number(row[column].value) : (row) => plain(row[column]);
  const before = numeric[column] ? (a, b) => a - b : (a, b) => a.localeCompare(b, "en");
  const direction = order === "ascending" ? 1 : -1;
  return [...rows].sort((a, b) => direction * before(by(a), by(b)));
}

const plain = (cell) => el("span", {}, content(cell)).textContent;
