// What a half-typed command can become. `usage` has lines such as `/credits add SUBUSER AMOUNT REASON`.

/** The words to type, and the words that stand for something. */
export function parts(line) {
  const words = line.split(" ");
  const first = words.findIndex((word) => /^\[?[A-Z]/.test(word));
  const at = first < 0 ? words.length : first;
  return { command: words.slice(0, at).join(" "), args: words.slice(at) };
}

/** The lines that fit, and, once a whole command is there, what it takes and which of that is being typed. */
export function complete(text, usage) {
  const typed = text.replace(/^\s+/, "");
  if (!typed.startsWith("/")) return { items: [], hint: null };
  const known = usage.map((line) => ({ line, ...parts(line) }));
  const root = { line: known[0]?.command.split(" ")[0] ?? "", command: known[0]?.command.split(" ")[0] ?? "", args: [] };
  const whole = known.find(({ command }) => typed.startsWith(`${command} `));
  if (whole) return { items: [], hint: hintFor(whole, typed.slice(whole.command.length + 1)) };
  const start = typed.trimEnd().toLowerCase();
  const fitting = [root, ...known].filter(({ command }) => command.startsWith(start));
  return { items: fitting.map((one) => ({ ...one, insert: one.args.length ? `${one.command} ` : one.command })), hint: null };
}

function hintFor({ command, args }, rest) {
  if (!args.length) return null;
  const typed = rest.split(" ").length - 1;
  return { command, args, at: Math.min(typed, args.length - 1) };
}
