// The `data_visualization` block. https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
// Colours come from the style sheet: the n-th series has the class `series-n`.

import { el, svg } from "./dom.js";

const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 56;
const BOTTOM = 32;
const TOP = 10;

const shown = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: 2 });
const short = (value) => Number(value).toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 }).replace("-", "−");
const TICKS = 4;

export function drawChart(block) {
  const { chart } = block;
  const draw = { line: lines, area: lines, bar: bars, pie }[chart.type];
  if (!draw) return el("p", { class: "unknown" }, `Not shown: a chart of type ${chart.type}. Reason: this page can’t draw it.`);
  const names = chart.segments?.map((one) => `${one.label}: ${shown(one.value)}`) ?? chart.series.map((one) => one.name);
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, block.title),
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": described(block) }, draw(chart)),
    el("ul", { class: "legend" }, names.map((name, place) => el("li", { class: `series-${place}` }, name))),
  );
}

/** The figures in words, for whoever does not see the chart. */
function described({ title, chart }) {
  const points = (data) => data.map((one) => `${one.label} ${shown(one.value)}`).join(", ");
  if (chart.segments) return `${title}. ${points(chart.segments)}`;
  return `${title}. ${chart.series.map((one) => `${one.name}: ${points(one.data)}`).join(". ")}`;
}

function frame(chart) {
  const categories = chart.axis_config?.categories ?? chart.series[0].data.map((point) => point.label);
  const values = chart.series.flatMap((one) => one.data.map((point) => Number(point.value)));
  const ticks = round(Math.min(...values, 0), Math.max(...values, 0));
  const [bottom, top] = [ticks[0], ticks.at(-1)];
  const step = (WIDTH - LEFT - 8) / categories.length;
  const y = (value) => TOP + ((top - value) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const x = (label) => LEFT + (categories.indexOf(label) + 0.5) * step;
  return { categories, step, x, y, axes: axes(chart, categories, ticks, x, y) };
}

/** Round numbers from below the lowest value to above the highest. */
function round(bottom, top) {
  const least = (top - bottom || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= least);
  const first = Math.floor(bottom / step);
  const count = Math.max(Math.ceil(top / step) - first, 1);
  return Array.from({ length: count + 1 }, (_, place) => (first + place) * step);
}

function axes(chart, categories, ticks, x, y) {
  const every = Math.ceil(categories.length / 8);
  return [
    ticks.map((value) => [
      svg("line", { class: value === 0 ? "grid zero" : "grid", x1: LEFT, x2: WIDTH - 8, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
    ]),
    categories
      .filter((_, place) => place % every === 0)
      .map((name, place) => svg("text", { class: place % 3 ? "minor" : null, x: x(name), y: HEIGHT - 6, "text-anchor": "middle" }, String(name))),
    chart.axis_config?.y_label ? svg("title", {}, chart.axis_config.y_label) : null,
  ];
}

function lines(chart) {
  const { x, y, axes: drawn } = frame(chart);
  const plotted = chart.series.map((one, place) => {
    const points = one.data.map((point) => `${x(point.label)},${y(point.value)}`);
    const under = `${x(one.data[0].label)},${y(0)} ${points.join(" ")} ${x(one.data.at(-1).label)},${y(0)}`;
    return svg(
      "g",
      { class: `series-${place}` },
      chart.type === "area" ? svg("polygon", { class: "fill", points: under }) : null,
      svg("polyline", { points: points.join(" ") }),
      one.data.map((point) => svg("circle", { cx: x(point.label), cy: y(point.value), r: 3 }, svg("title", {}, `${point.label}: ${shown(point.value)}`))),
    );
  });
  return [drawn, plotted];
}

function bars(chart) {
  const { step, x, y, axes: drawn } = frame(chart);
  const wide = Math.min(36, (step * 0.7) / chart.series.length);
  const plotted = chart.series.map((one, place) =>
    svg(
      "g",
      { class: `series-${place}` },
      one.data.map((point) => {
        const left = x(point.label) + (place - chart.series.length / 2) * wide;
        const [from, to] = [y(Math.max(point.value, 0)), y(Math.min(point.value, 0))];
        const rect = { class: "bar", x: left, y: from, width: wide - 2, height: Math.max(to - from, 1), rx: 2 };
        return svg("rect", rect, svg("title", {}, `${point.label}: ${shown(point.value)}`));
      }),
    ),
  );
  return [drawn, plotted];
}

function pie(chart) {
  const total = chart.segments.reduce((sum, one) => sum + Number(one.value), 0) || 1;
  const [cx, cy, r] = [WIDTH / 2, HEIGHT / 2, HEIGHT / 2 - 8];
  let turned = 0;
  return chart.segments.map((one, place) => {
    const part = Number(one.value) / total;
    const slice = part > 0.9999 ? svg("circle", { cx, cy, r }) : svg("path", { d: wedge(cx, cy, r, turned, turned + part) });
    turned += part;
    return svg("g", { class: `series-${place} slice` }, slice);
  });
}

function wedge(cx, cy, r, from, to) {
  const at = (share) => `${cx + r * Math.sin(share * 2 * Math.PI)} ${cy - r * Math.cos(share * 2 * Math.PI)}`;
  return `M${cx} ${cy}L${at(from)}A${r} ${r} 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}Z`;
}
