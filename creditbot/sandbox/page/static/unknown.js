// What this page does not know is said, not passed over.

import { el } from "./dom.js";

export function unknown(what, type, why = "this page does not know it") {
  return el("p", { class: "unknown" }, `A ${what} of type `, el("code", {}, String(type)), ` stands here; ${why}, so it is not drawn.`);
}
