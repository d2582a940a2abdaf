// News from the sandbox, as they happen.

import { change, takeMessage, takeView, takeWhole } from "./store.js";

const TAKE = {
  whole: takeWhole,
  message: takeMessage,
  view: takeView,
  directory: (directory) => change({ directory }),
  bot: (bot) => change({ bot }),
  subusers: (subusers) => change({ subusers }),
  calls: (calls) => change({ calls }),
  switches: (switches) => change({ switches }),
  record: (record) => change({ record }),
};

/** Follow the sandbox; the browser connects again by itself whenever the connection is lost. */
export function follow() {
  const source = new EventSource("/events");
  for (const [name, take] of Object.entries(TAKE)) {
    source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  }
  source.addEventListener("error", () => change({ online: false }));
}
