// The guided first minute: what to try next, read off what has happened so far.

import { fillIn } from "./composer.js";
import { channel, nameOf } from "./directory.js";
import { el, redraw } from "./dom.js";
import { actAs, goTo } from "./messages.js";
import { change, state } from "./store.js";

const place = document.getElementById("guide");
const STEPS = 6;
const LAST = {
  number: 6,
  text: "Done: nothing was sent twice, nothing was lost, and no outcome was guessed. Next:",
  does: "install",
  label: "Install it for real",
};

export function drawGuide() {
  if (!state.me) return;
  const step = state.guideOff ? null : nextStep(state);
  redraw(place, [step, state.guideOff, state.directory], () => (step ? draw(step) : again()));
}

/** The step that comes next, as plain values: `{number, text, code?, does?, label?, who?}`. It never goes back. */
export function nextStep({ cast, me, channel: here, record, switches }) {
  const { requests, milestones } = record;
  if (milestones.doubt_ended) return LAST;
  const inDoubt = requests.find((request) => request.status === "in_doubt");
  if (inDoubt) return settle({ cast, me, here, open: inDoubt });
  if (milestones.applied) return makeDoubt({ cast, me, here, requests, switches });
  return firstChange({ cast, me, here, requests });
}

function firstChange({ cast, me, here, requests }) {
  const open = underWay(requests);
  if (!open) {
    if (here.startsWith("D")) return { number: 1, text: "Type commands in a channel.", does: "general", label: "Go to the channel" };
    return { number: 1, text: "Ask for credits. Type this below and press Enter:", code: `/credits add ${cast.subuser} 5000 Black Friday`, does: "type", label: "Type it for me" };
  }
  return approve({ cast, me, here, open, number: 2 });
}

const underWay = (requests) => requests.find((request) => ["pending", "approved", "applying"].includes(request.status));

function approve({ cast, me, here, open, number }) {
  if (open.status !== "pending") return { number: number + 1, text: "Approved. Watch the PATCH call arrive at SendGrid and the card change." };
  const other = switchToAnApprover({ cast, me, open, number, why: "Someone else has to approve it: nobody can approve their own request." });
  if (other) return other;
  if (here !== cast.approvals) return { number, text: "The request is a card in the approvals channel.", does: "approvals", label: "Open it" };
  return { number: number + 1, text: "Read the card, then press Approve and confirm." };
}

/** Whoever asked may be an approver as well; then it takes another one. */
function switchToAnApprover({ cast, me, open, number, why }) {
  const may = cast.approvers.filter((one) => one !== open.requested_by);
  return may.includes(me) ? null : { number, text: why, does: "act", label: "Switch to", who: may[0] };
}

function makeDoubt({ cast, me, here, requests, switches }) {
  const open = underWay(requests);
  const armed = switches.some((one) => one.on && ["drop", "hang", "error"].includes(one.name));
  if (!armed && open?.status !== "applying") {
    return { number: 4, text: "Applied once, and recorded. Now break something: in the SendGrid panel, turn on “Drop after applying”, so that the next answer is lost.", does: "sendgrid", label: "Show me" };
  }
  if (open) return { ...approve({ cast, me, here, open, number: 4 }), number: 4 };
  if (here.startsWith("D")) return { number: 4, text: "Ask for another change in a channel.", does: "general", label: "Go to the channel" };
  return { number: 4, text: "Now ask for another change and have it approved:", code: `/credits add ${cast.subuser} 250 Newsletter`, does: "type", label: "Type it for me" };
}

function settle({ cast, me, here, open }) {
  const number = 5;
  if (open.remain_after === null) {
    return { number, text: "In doubt: the answer was lost, and creditbot never sends a change twice. In a few seconds it reads the balance, and settles the request if the balance proves what happened." };
  }
  const why = "The balance proves nothing, so an approver has to say what happened.";
  const other = switchToAnApprover({ cast, me, open, number, why });
  if (other) return other;
  if (here !== cast.approvals) return { number, text: why, does: "approvals", label: "Open the card" };
  return { number, text: "Compare SendGrid’s balances with the card, then press “It was applied” or “It was not applied”." };
}

const DOES = {
  type: (step) => fillIn(step.code),
  act: (step) => actAs(step.who),
  approvals: () => goTo(state.cast.approvals),
  general: () => goTo(state.cast.general),
  sendgrid: () => {
    change({ panelTab: "sendgrid", panelOpen: true });
    queueMicrotask(() => document.querySelector('[data-switch="drop"]')?.focus());
  },
  install: () => document.getElementById("install").showModal(),
};

function labelOf(step) {
  if (step.does === "act") return `${step.label} ${nameOf(step.who)}`;
  if (step.does === "general") return `${step.label} #${channel(state.cast.general)?.name}`;
  return step.label;
}

function draw(step) {
  return [
    el("span", { class: "number" }, `Step ${step.number} of ${STEPS}`),
    el("p", { "aria-live": "polite" }, step.text, step.code ? [" ", el("code", {}, step.code)] : null),
    step.does ? el("button", { type: "button", class: "primary small", "data-focus": "guide", click: () => DOES[step.does](step) }, labelOf(step)) : null,
    el("button", { type: "button", class: "quiet small", "data-focus": "guide-off", click: () => change({ guideOff: true }) }, "Hide"),
  ];
}

function again() {
  return el("button", { type: "button", class: "quiet small", "data-focus": "guide-on", click: () => change({ guideOff: false }) }, "Show the tour");
}
