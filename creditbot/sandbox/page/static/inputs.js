// The fields of a modal: drawn, checked as Slack's own client checks them, and read.
// https://docs.slack.dev/reference/block-kit/block-elements

import { channelsOf } from "./directory.js";
import { el } from "./dom.js";
import { state } from "./store.js";
import { drawText } from "./text.js";

const LONGEST = 3000;

const FIELDS = {
  plain_text_input: (part, id) => (part.multiline ? area(part, id) : typed("text", part, id)),
  number_input: (part, id) => typed("text", part, id, { inputmode: part.is_decimal_allowed ? "decimal" : "numeric" }),
  email_text_input: (part, id) => typed("email", part, id),
  url_text_input: (part, id) => typed("url", part, id),
  datepicker: (part, id) => el("input", { ...common(id), type: "date", value: part.initial_date }),
  timepicker: (part, id) => el("input", { ...common(id), type: "time", value: part.initial_time }),
  static_select: (part, id) => select(id, grouped(part), part.initial_option?.value, part.placeholder),
  multi_static_select: (part, id) => select(id, grouped(part), (part.initial_options ?? []).map((one) => one.value), null),
  users_select: (part, id) => select(id, people(), part.initial_user, part.placeholder),
  multi_users_select: (part, id) => select(id, people(), part.initial_users ?? [], null),
  channels_select: (part, id) => select(id, channels(), part.initial_channel, part.placeholder),
  conversations_select: (part, id) => select(id, channels(), part.initial_conversation, part.placeholder),
  radio_buttons: (part, id) => ticks("radio", part, id, [part.initial_option?.value]),
  checkboxes: (part, id) => ticks("checkbox", part, id, (part.initial_options ?? []).map((one) => one.value)),
};

/** An input block: label, field, hint, and a place for what is wrong with it. */
export function drawInput(block) {
  const id = `input-${block.block_id}`;
  const draw = FIELDS[block.element.type];
  const several = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const title = [drawText(block.label), block.optional ? el("span", { class: "muted" }, " (optional)") : null];
  return el(
    several ? "fieldset" : "div",
    { class: "input", "data-block": block.block_id },
    several ? el("legend", {}, title) : el("label", { for: id }, title),
    draw ? draw(block.element, id) : el("p", { class: "unknown", id }, `Not shown: a field of type ${block.element.type}. Reason: this page can’t draw it.`),
    block.hint ? el("p", { class: "hint", id: `${id}-hint` }, drawText(block.hint)) : null,
    el("p", { class: "error", id: `${id}-error` }),
  );
}

/** What the fields hold, by block. */
export function readInputs(form) {
  return Object.fromEntries(
    [...form.querySelectorAll("[data-block]")].map((place) => [place.dataset.block, valueIn(place)]),
  );
}

/** What Slack's client would not let a person submit, by block. */
export function faultsIn(blocks, values) {
  const faults = {};
  for (const block of blocks.filter((one) => one.type === "input")) {
    const fault = faultOf(block, values[block.block_id] ?? "");
    if (fault) faults[block.block_id] = fault;
  }
  return faults;
}

/** Show each fault at its field, and take those away that are mended; the first one gets the focus. */
export function showFaults(form, faults) {
  let first = null;
  for (const place of form.querySelectorAll("[data-block]")) {
    const fault = faults[place.dataset.block] ?? "";
    const field = place.querySelector("input, select, textarea");
    place.querySelector(".error").textContent = fault;
    place.classList.toggle("faulty", Boolean(fault));
    if (fault) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
    if (fault && !first) first = field;
  }
  first?.focus();
}

function faultOf(block, value) {
  const part = block.element;
  if (!value) return block.optional ? null : "Please complete this required field.";
  if (part.type === "plain_text_input") {
    if (value.length > (part.max_length ?? LONGEST)) return `At most ${(part.max_length ?? LONGEST).toLocaleString("en")} characters.`;
    if (value.length < (part.min_length ?? 0)) return `At least ${part.min_length.toLocaleString("en")} characters.`;
  }
  if (part.type === "number_input") return faultyNumber(part, value);
  return null;
}

function faultyNumber(part, value) {
  if (!/^[+-]?\d+(\.\d+)?$/.test(value)) return "Please enter a number.";
  if (!part.is_decimal_allowed && value.includes(".")) return "Please enter a whole number.";
  if (part.min_value !== undefined && Number(value) < Number(part.min_value)) return `At least ${part.min_value}.`;
  if (part.max_value !== undefined && Number(value) > Number(part.max_value)) return `At most ${part.max_value}.`;
  return null;
}

function valueIn(place) {
  const ticked = place.querySelectorAll("input[type=radio], input[type=checkbox]");
  if (ticked.length) return [...ticked].filter((one) => one.checked).map((one) => one.value).join(",");
  const field = place.querySelector("input, select, textarea");
  if (!field) return "";
  return field.multiple ? [...field.selectedOptions].map((one) => one.value).join(",") : field.value;
}

const common = (id) => ({ id, "aria-describedby": `${id}-error ${id}-hint`, "data-focus": id });

function typed(type, part, id, more = {}) {
  return el("input", {
    ...common(id),
    ...more,
    type,
    value: part.initial_value,
    placeholder: part.placeholder?.text,
  });
}

function area(part, id) {
  return el("textarea", { ...common(id), rows: "3", placeholder: part.placeholder?.text }, part.initial_value ?? "");
}

function select(id, options, chosen, placeholder) {
  const several = Array.isArray(chosen);
  const none = several || chosen ? null : el("option", { value: "" }, placeholder ? drawText(placeholder) : "Choose…");
  return el(
    "select",
    { ...common(id), multiple: several },
    none,
    options.map(({ label, value }) => el("option", { value, selected: [chosen].flat().includes(value) }, label)),
  );
}

function ticks(type, part, id, chosen) {
  return part.options.map((option, place) =>
    el(
      "label",
      { class: "tick" },
      el("input", { ...common(id), id: `${id}-${place}`, type, name: id, value: option.value, checked: chosen.includes(option.value) }),
      el("span", {}, drawText(option.text)),
    ),
  );
}

function grouped(part) {
  const options = part.options ?? part.option_groups.flatMap((group) => group.options);
  return options.map((option) => ({ label: drawText(option.text), value: option.value }));
}

const people = () => state.directory.people.map((one) => ({ label: one.real_name, value: one.id }));
const channels = () => channelsOf(state.me).map((one) => ({ label: `#${one.name}`, value: one.id }));
