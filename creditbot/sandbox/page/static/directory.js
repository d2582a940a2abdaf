// Who is who, and who sees what.

import { state } from "./store.js";

export const me = () => person(state.me);

export function person(id) {
  return state.directory.people.find((someone) => someone.id === id);
}

/** The name to show for a member, the bot included. */
export function nameOf(id) {
  const { bot } = state.directory;
  if (id === bot.id) return bot.name;
  return person(id)?.real_name ?? id;
}

export function channel(id) {
  return state.directory.channels.find((one) => one.id === id);
}

/** The direct message between a person and the bot; its ID is known before it is opened. */
export const dmOf = (user) => "D" + user.slice(1);

export const inApp = () => state.channel === dmOf(state.me);

/** The channels that a person is in, without direct messages. */
export function channelsOf(user) {
  return state.directory.channels.filter((one) => !one.with_person && (!one.private || one.members.includes(user)));
}

/** The user groups that a person is in. */
export const groupsOf = (user) => state.directory.groups.filter((group) => group.members.includes(user));

/** The messages of a channel that the acting person sees, oldest first, without those in threads. */
export function visibleIn(place) {
  return sorted((message) => message.channel === place && !isReply(message));
}

export function repliesTo(ts) {
  return sorted((message) => isReply(message) && message.thread_ts === ts);
}

export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

function sorted(wanted) {
  return [...state.messages.values()]
    .filter((message) => wanted(message) && (!message.visible_to || message.visible_to === state.me))
    .sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

/** How many messages the acting person has not read in a channel, and how many of them call for them. */
export function unread(place) {
  const seen = state.read[state.me]?.[place] ?? "0";
  const unseen = visibleIn(place).filter((message) => message.ts > seen && message.user !== state.me);
  return { count: unseen.length, calls: unseen.filter((message) => place.startsWith("D") || callsMe(message)).length };
}

function callsMe(message) {
  const all = JSON.stringify([message.text, message.blocks]);
  const names = [`<@${state.me}`, ...groupsOf(state.me).map((group) => `<!subteam^${group.id}`)];
  return names.some((name) => all.includes(name));
}
