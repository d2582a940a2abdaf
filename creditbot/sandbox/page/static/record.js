// What the bot has written down in SQL: requests, attempts, and the ledger of events.

import { inFull, stopwatch } from "./dates.js";
import { nameOf } from "./directory.js";
import { el, keyed } from "./dom.js";
import { state } from "./store.js";

const number = (value) => (value === null || value === undefined ? "" : Number(value).toLocaleString("en"));
const signed = (value) => (value > 0 ? `+${number(value)}` : number(value).replace("-", "−"));
const words = (name) => (name ?? "").replaceAll("_", " ");

const TABLES = [
  {
    name: "requests",
    title: "Requests",
    none: "No requests yet.",
    columns: {
      ID: (row) => row.id,
      Subuser: (row) => el("b", {}, row.subuser),
      Change: (row) => signed(row.allocation_update),
      Status: (row) => el("span", { class: `status ${row.status}` }, words(row.status)),
      Balances: (row) => balances(row),
    },
  },
  {
    name: "attempts",
    title: "Attempts",
    none: "Nothing has been sent to SendGrid yet.",
    columns: {
      For: (row) => row.request_id,
      Try: (row) => row.number,
      Started: (row) => moment(row.started_at),
      Outcome: (row) => (row.outcome ? words(row.outcome) : "in progress"),
      HTTP: (row) => row.answer_status ?? "none",
      Before: (row) => number(row.remain_before),
    },
  },
  {
    name: "events",
    title: "Ledger",
    about: "Each event includes the hash of the one before it.",
    none: "No events yet.",
    columns: {
      "No.": (row) => row.id,
      At: (row) => moment(row.at),
      For: (row) => row.request_id ?? "",
      Event: (row) => words(row.kind),
      By: (row) => (row.actor ? nameOf(row.actor) : "creditbot"),
      Hash: (row) => el("code", { title: `${row.hash} after ${row.previous_hash}` }, row.hash.slice(0, 6)),
    },
  },
];

export function drawRecord(body) {
  if (!body.firstChild) body.append(...TABLES.map(frame));
  for (const table of TABLES) {
    const rows = state.record[table.name];
    const place = body.querySelector(`[data-table="${table.name}"]`);
    place.querySelector(".empty").hidden = rows.length > 0;
    place.querySelector(".table").hidden = !rows.length;
    keyed(place.querySelector("tbody"), rows, { key: (row) => row.id, version: (row) => row, draw: (row) => drawRow(table, row) });
  }
}

function frame(table) {
  return el(
    "section",
    { "data-table": table.name },
    el("h3", {}, table.title),
    table.about ? el("p", { class: "muted" }, table.about) : null,
    el("p", { class: "empty" }, table.none),
    el(
      "div",
      { class: "table", tabindex: "0", role: "region", "aria-label": table.title },
      el("table", {}, el("thead", {}, el("tr", {}, Object.keys(table.columns).map((name) => el("th", { scope: "col" }, name)))), el("tbody")),
    ),
  );
}

/** What may wrap, so that nothing is cut where there is little room: names anywhere, text between words. */
const WRAPS = { Subuser: "name", Event: "text", By: "text", Outcome: "text", Balances: "text" };

function drawRow(table, row) {
  return el("tr", {}, Object.entries(table.columns).map(([name, cell]) => el("td", { class: WRAPS[name] ?? null }, cell(row))));
}

function balances(row) {
  const before = row.remain_before ?? row.checked_remain;
  if (before === null || before === undefined) return "";
  return row.remain_after === null ? number(before) : `${number(before)} → ${number(row.remain_after)}`;
}

const moment = (millis) => el("time", { datetime: new Date(millis).toISOString(), title: inFull(millis) }, stopwatch(millis));
