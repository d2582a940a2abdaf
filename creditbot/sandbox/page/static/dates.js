// Times, always in the time zone of whoever looks.

const DAY = { year: "numeric", month: "short", day: "numeric" };
const TIME = { hour: "numeric", minute: "2-digit" };

const show = (moment, options) => new Intl.DateTimeFormat(undefined, options).format(moment);

/** Slack's date tokens, such as `{date_short} at {time}`. */
export function formatted(seconds, format, now = new Date()) {
  const moment = new Date(seconds * 1000);
  const pretty = (options) => relative(moment, now) ?? show(moment, options);
  const long = { ...DAY, month: "long", weekday: "long" };
  const tokens = {
    date_num: () => show(moment, { year: "numeric", month: "2-digit", day: "2-digit" }),
    date_slash: () => show(moment, { year: "numeric", month: "2-digit", day: "2-digit" }),
    date: () => show(moment, { ...DAY, month: "long" }),
    date_short: () => show(moment, DAY),
    date_long: () => show(moment, long),
    date_pretty: () => pretty({ ...DAY, month: "long" }),
    date_short_pretty: () => pretty(DAY),
    date_long_pretty: () => pretty(long),
    time: () => show(moment, TIME),
    time_secs: () => show(moment, { ...TIME, second: "2-digit" }),
    ago: () => ago(moment, now),
  };
  return format.replace(/\{(\w+)\}/g, (whole, name) => tokens[name]?.() ?? whole);
}

/** The clock time of a moment in milliseconds. */
export const clock = (millis) => show(new Date(millis), TIME);

/** The same to the second, and of the same width at every hour, for columns. */
export const stopwatch = (millis) =>
  show(new Date(millis), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** A moment in full, for a tooltip. */
export const inFull = (millis) => show(new Date(millis), { dateStyle: "full", timeStyle: "long" });

function relative(moment, now) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((midnight(moment) - midnight(now)) / 86_400_000);
  return { 0: "today", 1: "tomorrow", "-1": "yesterday" }[days];
}

function ago(moment, now) {
  const minutes = Math.round((moment - now) / 60_000);
  const [value, unit] =
    Math.abs(minutes) < 60
      ? [minutes, "minute"]
      : Math.abs(minutes) < 2880
        ? [Math.round(minutes / 60), "hour"]
        : [Math.round(minutes / 1440), "day"];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(value, unit);
}
