// Controls in messages and Home tabs: a click or a choice goes to the bot at once.

import { act } from "./api.js";
import { ask } from "./confirm.js";
import { el } from "./dom.js";
import { state } from "./store.js";
import { drawText, link } from "./text.js";
import { unknown } from "./unknown.js";

const CONTROLS = { button, workflow_button: button, overflow: menu, static_select: menu, radio_buttons: radios };

export function drawControl(part, block, on) {
  const draw = CONTROLS[part.type];
  return draw ? draw(part, block, on) : unknown("control", part.type);
}

function button(part, block, on) {
  const style = ["primary", "danger"].includes(part.style) ? part.style : "plain";
  const label = drawText(part.text);
  if (part.url) return el("span", { class: "button-link" }, link(part.url, label));
  const node = el(
    "button",
    {
      type: "button",
      class: style,
      "data-focus": `${block.block_id}/${part.action_id}`,
      "aria-label": part.accessibility_label ?? null,
      click: () => press(node, part, on, "click", { block_id: block.block_id, action_id: part.action_id, value: part.value ?? "" }),
    },
    label,
  );
  return node;
}

function menu(part, block, on) {
  const options = part.options ?? part.option_groups.flatMap((group) => group.options);
  const first = el("option", { value: "" }, part.placeholder ? drawText(part.placeholder) : "Choose…");
  const node = el(
    "select",
    {
      "aria-label": part.placeholder?.text ?? part.action_id,
      "data-focus": `${block.block_id}/${part.action_id}`,
      change: () => node.value && choose(node, part, block, on, node.value),
    },
    first,
    options.map((option) => el("option", { value: option.value, selected: isInitial(part, option) }, drawText(option.text))),
  );
  return node;
}

function radios(part, block, on) {
  const node = el(
    "fieldset",
    { class: "radios" },
    el("legend", { class: "sr" }, part.action_id),
    part.options.map((option) =>
      el(
        "label",
        {},
        el("input", {
          type: "radio",
          name: `${on.ts ?? on.view}/${block.block_id}/${part.action_id}`,
          value: option.value,
          checked: isInitial(part, option),
          change: () => choose(node, part, block, on, option.value),
        }),
        el("span", {}, drawText(option.text)),
      ),
    ),
  );
  return node;
}

const isInitial = (part, option) => part.initial_option?.value === option.value;

function choose(node, part, block, on, value) {
  return press(node, part, on, "choose", { block_id: block.block_id, action_id: part.action_id, value });
}

/** Beside the control; one that was drawn anew meanwhile is gone, and then under the messages. */
function complain(node, text) {
  if (node.isConnected) node.after(el("span", { class: "trouble", role: "alert" }, text));
  else document.getElementById("trouble").textContent = text;
}

async function press(node, part, on, name, what) {
  if (node.getAttribute("aria-busy") === "true") return;
  if (part.confirm && !(await ask(part.confirm))) return;
  node.setAttribute("aria-busy", "true");
  try {
    await act(name, { user: state.me, ...on, ...what });
  } catch (error) {
    complain(node, error.message);
  } finally {
    node.removeAttribute("aria-busy");
  }
}
