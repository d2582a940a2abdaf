// The few pictures that the page needs, as strokes on a 20 by 20 grid.

import { svg } from "./dom.js";

const STROKES = {
  menu: "M3 6h14M3 10h14M3 14h14",
  panel: "M3 4h14v12H3zM12 4v12",
  moon: "M16 12.5A6.5 6.5 0 1 1 8.5 4a5 5 0 0 0 7.5 8.5z",
  sun: "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4",
  eye: "M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10zM10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  warning: "M10 3 1.8 17h16.4zM10 8v4M10 14.3v.4",
  reply: "M8 5 3 10l5 5M3 10h8c4 0 6 2 6 5",
  close: "M5 5l10 10M15 5 5 15",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", class: "glyph", "aria-hidden": "true" }, svg("path", { d: STROKES[name] }));
}
