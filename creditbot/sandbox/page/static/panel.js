// The other side: SendGrid, the record, and a thread when one is open.

import { drawRecord } from "./record.js";
import { drawSendGrid } from "./sendgrid.js";
import { change, state } from "./store.js";
import { drawTabs } from "./tabs.js";
import { drawThread } from "./thread.js";

const tabs = document.getElementById("panel-tabs");
const body = document.getElementById("panel-body");
const DRAW = { sendgrid: drawSendGrid, record: drawRecord, thread: drawThread };
let drawn = null;

export function drawPanel() {
  if (!state.me) return;
  const names = [
    { name: "sendgrid", label: "SendGrid", panel: "panel-body" },
    { name: "record", label: "Record", panel: "panel-body" },
    ...(state.thread ? [{ name: "thread", label: "Thread", panel: "panel-body" }] : []),
  ];
  drawTabs(tabs, names, state.panelTab, (panelTab) => change({ panelTab }));
  body.setAttribute("aria-labelledby", `tab-${state.panelTab}`);
  if (drawn !== state.panelTab) body.replaceChildren();
  drawn = state.panelTab;
  DRAW[state.panelTab](body);
}
