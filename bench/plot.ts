/**
 * Plots as SVG text, without a library. One file serves light and dark pages: its colours follow
 * `prefers-color-scheme`. Series differ by mark and dashes as well as by colour.
 */

const WIDTH = 720;
const MARGIN = { top: 44, right: 104, bottom: 46, left: 66 };

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 15px; }
.small { font-size: 12px; fill: #57606a; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.one { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 4 3; }
.line { fill: none; stroke-width: 2.5; }
.a { stroke: #0969da; fill: #0969da; } .b { stroke: #bc4c00; fill: #bc4c00; }
.line.a, .line.b { fill: none; } .b.line { stroke-dasharray: 7 4; }
text.a, text.b { stroke: none; font-weight: 600; }
rect.a, rect.b { stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .small { fill: #9198a1; }
  .grid { stroke: #30363d; } .one { stroke: #9198a1; }
  .a { stroke: #58a6ff; fill: #58a6ff; } .b { stroke: #f0883e; fill: #f0883e; }
  .line.a, .line.b { fill: none; }
}`;

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** At most two, in the order of their colours. */
  readonly series: readonly Series[];
  /** What stands below each x that was measured. */
  readonly name: (x: number) => string;
  /** Logarithmic y; x is spaced evenly, by its steps. */
  readonly log?: boolean;
}

export function lineChart(chart: LineChart): string {
  const height = 330;
  const xs = [...new Set(chart.series.flatMap(({ points }) => points.map(([x]) => x)))]
    .sort((a, b) => a - b);
  const ys = chart.series.flatMap(({ points }) => points.map(([, y]) => y));
  const ticks = chart.log ? decades(ys) : evenly(Math.max(...ys));
  const left = MARGIN.left;
  const wide = WIDTH - left - MARGIN.right;
  const high = height - MARGIN.top - MARGIN.bottom;
  const px = (x: number) => left + wide * (xs.indexOf(x) + 0.5) / xs.length;
  const py = (y: number) => MARGIN.top + high * (1 - share(y, ticks, chart.log ?? false));
  const grid = ticks.map((tick) => {
    const y = round(py(tick));
    return `<path class="grid" d="M${left} ${y}H${left + wide}"/>` +
      `<text class="small" text-anchor="end" x="${left - 8}" y="${y + 4}">${short(tick)}</text>`;
  });
  const names = xs.map((x) =>
    `<text class="small" text-anchor="middle" x="${round(px(x))}" y="${height - 26}">` +
    `${escape(chart.name(x))}</text>`
  );
  const lines = chart.series.map((series, at) => drawn(series, "ab"[at]!, px, py));
  const axis =
    `<text class="small" text-anchor="middle" x="${left + wide / 2}" y="${height - 8}">` +
    `${escape(chart.x)}</text>`;
  return svg(height, chart.title, chart.y, [
    ...grid,
    ...names,
    axis,
    ...lines,
    ...labels(chart.series, py, left + wide + 8),
  ]);
}

function drawn(
  { points }: Series,
  colour: string,
  px: (x: number) => number,
  py: (y: number) => number,
): string {
  const path = points.map(([x, y], at) => `${at === 0 ? "M" : "L"}${round(px(x))} ${round(py(y))}`);
  const marks = points.map(([x, y]) => mark(colour, round(px(x)), round(py(y))));
  return `<path class="line ${colour}" d="${path.join("")}"/>${marks.join("")}`;
}

function mark(colour: string, x: number, y: number): string {
  return colour === "a"
    ? `<circle class="a" cx="${x}" cy="${y}" r="4"/>`
    : `<rect class="b" x="${x - 4}" y="${y - 4}" width="8" height="8"/>`;
}

/** At the lines' right ends, kept apart where these meet. */
function labels(series: readonly Series[], py: (y: number) => number, x: number): string[] {
  const ends = series.map(({ points }) => py(points.at(-1)?.[1] ?? 0) + 4);
  if (ends.length === 2 && Math.abs(ends[0]! - ends[1]!) < 16) {
    const middle = (ends[0]! + ends[1]!) / 2;
    const [upper, lower] = [middle - 8, middle + 8];
    [ends[0], ends[1]] = ends[0]! <= ends[1]! ? [upper, lower] : [lower, upper];
  }
  return series.map(({ name }, at) =>
    `<text class="${"ab"[at]}" x="${x}" y="${round(ends[at]!)}">${escape(name)}</text>`
  );
}

export interface BarChart {
  readonly title: string;
  readonly subtitle: string;
  /** Ratios: 1 is drawn as a line across. */
  readonly bars: readonly (readonly [name: string, value: number])[];
}

export function barChart({ title, subtitle, bars }: BarChart): string {
  const [left, row] = [190, 24];
  const height = MARGIN.top + bars.length * row + 22;
  const wide = WIDTH - left - 70;
  const most = Math.max(1.1, ...bars.map(([, value]) => value));
  const px = (value: number) => round(left + wide * value / most);
  const drawn = bars.map(([name, value], at) => {
    const y = MARGIN.top + at * row;
    return `<text text-anchor="end" x="${left - 8}" y="${y + 15}">${escape(name)}</text>` +
      `<rect class="${value <= 1 ? "a" : "b"}" x="${left}" y="${y + 3}" ` +
      `width="${round(px(value) - left)}" height="${row - 8}"/>` +
      `<text text-anchor="end" x="${WIDTH - 24}" y="${y + 15}">${value.toFixed(2)}</text>`;
  });
  const end = MARGIN.top + bars.length * row;
  const one = `<path class="one" d="M${px(1)} ${MARGIN.top - 2}V${end + 2}"/>` +
    `<text class="small" text-anchor="middle" x="${px(1)}" y="${end + 17}">nginx = 1</text>`;
  return svg(height, title, subtitle, [...drawn, one]);
}

// --- below both -----------------------------------------------------------------------------------

function svg(height: number, title: string, subtitle: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
<style>${STYLE}
</style>
<text class="title" x="8" y="19">${escape(title)}</text>
<text class="small" x="8" y="36">${escape(subtitle)}</text>
${parts.join("\n")}
</svg>
`;
}

/** Where a value stands between the first and the last tick, 0 to 1. */
function share(value: number, ticks: readonly number[], log: boolean): number {
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const scale = (number: number) => log ? Math.log10(Math.max(number, low)) : number;
  return (scale(value) - scale(low)) / (scale(high) - scale(low));
}

function decades(values: readonly number[]): number[] {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...positive))));
  return Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
}

/** Zero and some four round numbers up to the most. */
function evenly(most: number): number[] {
  const raw = most / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw)!;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, at) => at * step);
}

function short(value: number): string {
  if (value >= 10_000) return `${value / 1000}k`;
  return String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
