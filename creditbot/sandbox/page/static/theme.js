// Light, dark, or as the system has it.

import { el } from "./dom.js";
import { icon } from "./icons.js";

const KEPT = "creditbot-sandbox-theme";
const button = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");

export function startTheme() {
  let chosen = sessionStorage.getItem(KEPT);
  const dark = () => (chosen ? chosen === "dark" : system.matches);
  const show = () => {
    document.documentElement.dataset.theme = dark() ? "dark" : "light";
    button.replaceChildren(icon(dark() ? "sun" : "moon"), el("span", { class: "sr" }, dark() ? "Light theme" : "Dark theme"));
  };
  button.addEventListener("click", () => {
    chosen = dark() ? "light" : "dark";
    sessionStorage.setItem(KEPT, chosen);
    show();
  });
  system.addEventListener("change", show);
  show();
}
