// Slack's mrkdwn as a tree of plain values: no drawing, no names looked up.
// https://docs.slack.dev/messaging/formatting-message-text

const INLINE = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<![\\w*])\\*(?=\\S)(?<bold>[^*\\n]*?[^*\\s])\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)(?<italic>[^_\\n]*?[^_\\s])_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)(?<strike>[^~\\n]*?[^~\\s])~(?![\\w~])",
    "(?<line>\\n)",
  ].join("|"),
  "g",
);

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** The characters that a person sees for Slack's three entities. */
export const unescape = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

/** A tree of `{kind, …}` nodes; the leaves' texts are ready to be shown. */
export function parse(text) {
  return text.split(/```\n?([\s\S]*?)\n?```/).flatMap((part, place) => {
    if (place % 2) return [{ kind: "pre", text: unescape(part) }];
    return part ? blocks(part) : [];
  });
}

function blocks(text) {
  const nodes = [];
  let plain = [];
  let quoted = [];
  const flush = () => {
    if (plain.length) nodes.push(...inline(plain.join("\n")));
    if (quoted.length) nodes.push({ kind: "quote", children: inline(quoted.join("\n")) });
    plain = [];
    quoted = [];
  };
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (Boolean(quote) !== quoted.length > 0) flush();
    if (quote) quoted.push(quote[1]);
    else plain.push(line);
  }
  flush();
  return nodes;
}

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > end) nodes.push(leaf(text.slice(end, found.index)));
    nodes.push(node(found.groups));
    end = found.index + found[0].length;
  }
  if (end < text.length) nodes.push(leaf(text.slice(end)));
  return nodes;
}

function node(found) {
  if (found.code !== undefined) return { kind: "code", text: unescape(found.code) };
  if (found.angle !== undefined) return reference(found.angle);
  if (found.bold !== undefined) return { kind: "bold", children: inline(found.bold) };
  if (found.italic !== undefined) return { kind: "italic", children: inline(found.italic) };
  if (found.strike !== undefined) return { kind: "strike", children: inline(found.strike) };
  return { kind: "break" };
}

const leaf = (text) => ({ kind: "text", text: unescape(text) });

function reference(inside) {
  const [what, label] = split(inside, "|");
  if (what.startsWith("@")) return { kind: "user", id: what.slice(1), label };
  if (what.startsWith("#")) return { kind: "channel", id: what.slice(1), label };
  if (what.startsWith("!subteam^")) return { kind: "group", id: what.slice(9), label };
  if (what.startsWith("!date^")) return date(what, label);
  if (what.startsWith("!")) return { kind: "broadcast", name: what.slice(1).split("^")[0], label };
  if (/^(?:https?:|mailto:)/i.test(what)) {
    return { kind: "link", url: unescape(what), text: unescape(label ?? what.replace(/^mailto:/, "")) };
  }
  return leaf(`<${inside}>`);
}

function date(what, fallback) {
  const [, seconds, format = "{date_short}", url] = what.split("^");
  if (!/^\d+$/.test(seconds)) return leaf(fallback ?? what);
  return { kind: "date", seconds: Number(seconds), format, url, fallback: unescape(fallback ?? "") };
}

function split(text, by) {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
