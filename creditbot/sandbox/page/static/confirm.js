// "Are you sure?". https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object

import { el } from "./dom.js";
import { drawText } from "./text.js";

/** Resolves to whether the person confirmed. Esc and the backdrop mean no. */
export function ask(confirm) {
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    dialog.replaceChildren(
      el(
        "form",
        { method: "dialog" },
        el("h2", { id: "confirm-title" }, drawText(confirm.title)),
        el("p", {}, drawText(confirm.text)),
        el(
          "div",
          { class: "buttons" },
          el("button", { value: "no", class: "plain" }, confirm.deny ? drawText(confirm.deny) : "Cancel"),
          el(
            "button",
            { value: "yes", class: confirm.style === "danger" ? "danger" : "primary", autofocus: true },
            confirm.confirm ? drawText(confirm.confirm) : "Confirm",
          ),
        ),
      ),
    );
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}
