// What this page does not know is said, not passed over.

import { el } from "./dom.js";

export function unknown(what, type, why = "this page can’t draw it") {
  return el("p", { class: "unknown" }, `Not shown: a ${what} of type `, el("code", {}, String(type)), `. Reason: ${why}.`);
}
