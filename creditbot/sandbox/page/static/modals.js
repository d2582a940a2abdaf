// Modals of the acting person; the newest one is on top. https://docs.slack.dev/surfaces/modals

import { act } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { faultsIn, readInputs, showFaults } from "./inputs.js";
import { state } from "./store.js";
import { drawText } from "./text.js";

const dialog = document.getElementById("modal");
let shown = null;
let faults = "";

export function startModals() {
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
}

export function drawModals() {
  const top = [...state.views.values()].filter((view) => view.user === state.me && view.view.type === "modal").at(-1);
  if (!top) return hide();
  if (shown?.id !== top.id || shown.hash !== top.hash) draw(top);
  else update(top);
}

function hide() {
  shown = null;
  if (dialog.open) dialog.close();
}

function draw(view) {
  shown = view;
  faults = "";
  const { title, submit, close, blocks } = view.view;
  const form = el(
    "form",
    { novalidate: true, submit: send },
    el("header", {}, el("h2", { id: "modal-title" }, drawText(title))),
    el("div", { class: "fields-of-form" }, drawBlocks(blocks, { view: view.id })),
    el("p", { class: "trouble", role: "alert" }),
    el(
      "div",
      { class: "buttons" },
      el("button", { type: "button", class: "plain", click: leave }, close ? drawText(close) : "Close"),
      submit ? el("button", { type: "submit", class: "primary" }, drawText(submit)) : null,
    ),
  );
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
  (form.querySelector("input, select, textarea") ?? form.querySelector("button")).focus();
  update(view);
}

/** What was typed stays; only what is wrong with it is new. */
function update(view) {
  shown = view;
  const now = JSON.stringify([view.errors, view.trouble]);
  if (now === faults) return;
  faults = now;
  showFaults(dialog, view.errors);
  dialog.querySelector(".trouble").textContent = view.trouble ? "We had some trouble connecting. Try again?" : "";
}

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const values = readInputs(form);
  const wrong = faultsIn(shown.view.blocks, values);
  showFaults(form, wrong);
  if (Object.keys(wrong).length || form.getAttribute("aria-busy")) return;
  faults = "";
  await busily(form, () => act("submit", { user: state.me, view: shown.id, values }));
}

async function leave() {
  const form = dialog.querySelector("form");
  if (shown) await busily(form, () => act("close", { user: state.me, view: shown.id }));
}

async function busily(form, deed) {
  form.setAttribute("aria-busy", "true");
  try {
    await deed();
  } catch (error) {
    form.querySelector(".trouble").textContent = error.message;
  } finally {
    form.removeAttribute("aria-busy");
  }
}
