// All that is known: what the sandbox told, and what this page remembers by itself.

const REMEMBERED = "creditbot-sandbox";

export const state = {
  run: null,
  online: true,
  cast: null,
  usage: [],
  directory: { people: [], channels: [], groups: [], bot: {}, workspace: "" },
  bot: { connected: false },
  messages: new Map(),
  views: new Map(),
  subusers: { mail: false, list: [] },
  calls: [],
  switches: [],
  record: { requests: [], attempts: [], events: [], milestones: {} },
  // This page's own:
  me: null,
  channel: null,
  appTab: "messages",
  panelTab: "sendgrid",
  thread: null,
  read: {},
  guideOff: false,
};

const OWN = ["me", "channel", "appTab", "panelTab", "thread", "read", "guideOff"];
const drawers = [];
let scheduled = false;

/** Call `draw` after each change. */
export function onChange(draw) {
  drawers.push(draw);
}

/** Change the state; everything is drawn once, after all changes of this moment. */
export function change(news) {
  Object.assign(state, news);
  remember();
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    for (const draw of [...drawers]) draw();
  });
}

/** Resolves once `wanted` gives something true, or after so many seconds. */
export function until(wanted, seconds) {
  return new Promise((resolve) => {
    const look = () => {
      if (!wanted()) return;
      drawers.splice(drawers.indexOf(look), 1);
      resolve();
    };
    drawers.push(look);
    setTimeout(resolve, seconds * 1000);
    look();
  });
}

/** Take in everything, on opening the page or coming back to it. */
export function takeWhole(told) {
  const known = told.run === state.run ? {} : recall(told);
  change({
    ...told,
    ...known,
    online: true,
    messages: new Map(told.messages.map((message) => [message.ts, message])),
    views: new Map(told.views.map((view) => [view.id, view])),
  });
}

/** Take in one message as it is now. */
export function takeMessage(message) {
  if (message.deleted) state.messages.delete(message.ts);
  else state.messages.set(message.ts, message);
  change({});
}

/** Take in one modal or Home tab as it is now. */
export function takeView(view) {
  if (view.open) state.views.set(view.id, view);
  else state.views.delete(view.id);
  change({});
}

function recall(told) {
  const fresh = { me: told.cast.requester, channel: told.cast.general, read: {}, thread: null };
  try {
    const kept = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "{}");
    return kept.run === told.run ? { ...fresh, ...kept.own } : fresh;
  } catch {
    return fresh;
  }
}

function remember() {
  if (!state.run) return;
  const own = Object.fromEntries(OWN.map((name) => [name, state[name]]));
  try {
    sessionStorage.setItem(REMEMBERED, JSON.stringify({ run: state.run, own }));
  } catch {
    // A browser that lets pages keep nothing: then a reload starts over.
  }
}
