// SendGrid as it stands: faults to switch on, subusers with their balances, and the PATCH calls.

import { act } from "./api.js";
import { stopwatch } from "./dates.js";
import { el, keyed } from "./dom.js";
import { change, state } from "./store.js";

const number = (value) => value.toLocaleString("en");
const signed = (value) => (value > 0 ? `+${number(value)}` : number(value).replace("-", "−"));

const LOW = 0.05;

const FAULTS = {
  drop_after: "applied, but the answer was lost",
  hang_before: "no answer",
  status_before: "not applied",
  rate_limit: "not applied: rate limit",
};

export function drawSendGrid(body) {
  if (!body.firstChild) body.append(frame());
  const mail = body.querySelector(".mail input");
  mail.checked = state.subusers.mail;
  keyed(body.querySelector(".subusers"), state.subusers.list, { key: (one) => one.username, version: (one) => one.type, draw: drawSubuser });
  for (const one of state.subusers.list) updateSubuser(body, one);
  const { parent } = state.subusers;
  if (parent) body.querySelector(".parent").textContent = `Parent account: ${number(parent.remain)} of ${number(parent.total)} left. Mail that subusers send counts against it as well.`;
  keyed(body.querySelector(".switches"), state.switches, { key: (one) => one.name, version: (one) => one.label, draw: drawSwitch });
  for (const one of state.switches) body.querySelector(`[data-switch="${one.name}"]`).checked = one.on;
  const calls = state.calls.length ? state.calls : [{ number: "none" }];
  keyed(body.querySelector(".calls"), calls, { key: (one) => one.number, version: (one) => one, draw: drawCall });
}

function frame() {
  return el(
    "div",
    {},
    el("h3", {}, "Subusers", el("label", { class: "mail toggle" }, el("input", { type: "checkbox", role: "switch", change: setMail }), "send mail")),
    el("ul", { class: "subusers" }),
    el("p", { class: "muted parent" }),
    el("h3", {}, "Break something"),
    el("ul", { class: "switches" }),
    el("h3", {}, "PATCH calls"),
    el("ol", { class: "calls", "aria-live": "polite" }),
  );
}

function drawSubuser(one) {
  const limited = one.remain !== null;
  return el(
    "li",
    { "data-subuser": one.username },
    el("span", { class: "username" }, one.username),
    el("span", { class: "muted" }, one.type),
    el("span", { class: "remain" }),
    limited ? el("span", { class: "muted of" }) : null,
    limited ? el("span", { class: "bar", "aria-hidden": "true" }, el("span")) : null,
    el("span", { class: "muted applied" }),
  );
}

/** Balances change all the time, so they are set where they stand. */
function updateSubuser(body, one) {
  const place = body.querySelector(`[data-subuser="${CSS.escape(one.username)}"]`);
  const bar = place.querySelector(".bar span");
  place.querySelector(".remain").textContent = one.remain === null ? "no limit" : number(one.remain);
  if (bar) place.querySelector(".of").textContent = `of ${number(one.total)}`;
  if (bar) {
    const share = Math.max(0, Math.min(1, one.remain / one.total));
    bar.style.width = `${share * 100}%`;
    bar.classList.toggle("low", share < LOW);
  }
  const applied = one.applied.length ? `applied: ${one.applied.map(signed).join(", ")}` : "";
  place.querySelector(".applied").textContent = applied;
}

function drawSwitch(one) {
  return el(
    "li",
    {},
    el(
      "label",
      { class: "toggle" },
      el("input", {
        type: "checkbox",
        role: "switch",
        "data-switch": one.name,
        "aria-describedby": `tells-${one.name}`,
        change: (event) => attempt("switch", { name: one.name, on: event.target.checked }),
      }),
      one.label,
    ),
    el("span", { class: "muted", id: `tells-${one.name}` }, one.tells),
  );
}

function drawCall(call) {
  if (call.number === "none") return el("li", { class: "empty" }, "None yet. creditbot sends one when a request is approved.");
  const [word, kind] = outcome(call);
  return el(
    "li",
    { class: kind },
    el("span", { class: "status" }, word),
    el("time", {}, stopwatch(call.at * 1000)),
    el("code", {}, `PATCH ${call.path}`),
    el("code", { class: "sent" }, JSON.stringify(call.body)),
    call.fault ? el("span", { class: "muted" }, FAULTS[call.fault] ?? call.fault) : null,
  );
}

function outcome(call) {
  if (call.status) return [String(call.status), call.status < 300 ? "good" : "bad"];
  return call.answered ? ["lost", "bad"] : ["…", "open"];
}

function setMail(event) {
  attempt("mail", { on: event.target.checked });
}

function attempt(name, what) {
  act(name, what).catch(() => change({}));
}
