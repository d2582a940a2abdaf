// The "acting as" switch.

import { avatar } from "./avatars.js";
import { el, redraw } from "./dom.js";
import { actAs } from "./messages.js";
import { state } from "./store.js";

const place = document.getElementById("people");

export function drawPeople() {
  if (!state.me) return;
  redraw(place, [state.directory.people, state.me], () => [el("legend", {}, "Acting as"), state.directory.people.map(choice)]);
}

function choice(person) {
  return el(
    "label",
    { title: `${person.real_name}, ${person.title}` },
    el("input", {
      type: "radio",
      name: "acting",
      value: person.id,
      checked: person.id === state.me,
      "data-focus": person.id,
      change: () => actAs(person.id),
    }),
    avatar(person.id),
    el("span", { class: "label" }, person.real_name, el("small", {}, person.title)),
  );
}
