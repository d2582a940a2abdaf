// The page: every part is drawn from the one state, after each change of it.

import { drawComposer, startComposer } from "./composer.js";
import { drawDrawers, startDrawers } from "./drawers.js";
import { drawGuide } from "./guide.js";
import { drawHome } from "./home.js";
import { drawMessages, startMessages } from "./messages.js";
import { drawModals, startModals } from "./modals.js";
import { drawPanel } from "./panel.js";
import { drawPeople } from "./people.js";
import { startPermalinks } from "./permalinks.js";
import { drawPlace } from "./place.js";
import { drawSidebar } from "./sidebar.js";
import { onChange } from "./store.js";
import { follow } from "./stream.js";
import { startTheme } from "./theme.js";

const PARTS = [
  drawPeople,
  drawSidebar,
  drawPlace,
  drawHome,
  drawMessages,
  drawComposer,
  drawGuide,
  drawPanel,
  drawModals,
  drawDrawers,
];

startTheme();
startDrawers();
startComposer();
startMessages();
startModals();
startPermalinks();
document.getElementById("install-open").addEventListener("click", () => document.getElementById("install").showModal());
for (const draw of PARTS) onChange(draw);
follow();
