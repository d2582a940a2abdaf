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
  const thread = state.messages.has(state.thread);
  const names = [
    { name: "sendgrid", label: "SendGrid", panel: "panel-body" },
    { name: "record", label: "Record", panel: "panel-body" },
    ...(thread ? [{ name: "thread", label: "Thread", panel: "panel-body" }] : []),
  ];
  // The message of a thread may be gone, in another run or since it was deleted.
  const tab = names.some(({ name }) => name === state.panelTab) ? state.panelTab : "sendgrid";
  drawTabs(tabs, names, tab, (panelTab) => change({ panelTab }));
  body.setAttribute("aria-labelledby", `tab-${tab}`);
  if (drawn !== tab) body.replaceChildren();
  drawn = tab;
  DRAW[tab](body);
}
