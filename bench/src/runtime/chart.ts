import { NETWORKS, type Network, networkName, WORKLOADS } from './plan.ts';
import type { RuntimeSummary } from './summary.ts';

/** The variants of the chart, in the order of the bars, with their colours on a light and on a dark background. */
const SERIES = [
  { variant: 'pull', label: 'ordinary pull', light: '#8b949e', dark: '#7d8590' },
  { variant: 'reference', label: 'reference index', light: '#bf8700', dark: '#d29922' },
  { variant: 'default', label: 'soci-index', light: '#0969da', dark: '#58a6ff' },
  { variant: 'recorded', label: 'soci-index with a profile', light: '#1a7f37', dark: '#3fb950' },
] as const;

// Sizes in units of the drawing. The text stays readable if the chart is shown at half its width.
const WIDTH = 900;
const MARGIN = 24;
const TITLE_SIZE = 21;
const TEXT_SIZE = 16;
const LABEL_WIDTH = 190;
/** Space for the value at the end of the longest bar. */
const VALUE_WIDTH = 66;
const BAR = 13;
const BAR_GAP = 3;
const GROUP_GAP = 13;
const LEGEND_TOP = 62;
const BARS_TOP = 86;

/** Draws the time to the first output of each workload as an SVG image without external resources. */
export function drawChart({ cells, date }: RuntimeSummary): string {
  const network = NETWORKS[0] as Network;
  const groups = WORKLOADS.map(({ name, label }) => ({
    label,
    bars: SERIES.flatMap((series) => {
      const found = cells.find(
        (cell) => cell.workload === name && cell.variant === series.variant && cell.network === networkName(network),
      );
      return found ? [{ variant: series.variant, seconds: found.seconds.median }] : [];
    }),
  })).filter(({ bars }) => bars.length > 0);
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ seconds }) => seconds)));
  const left = MARGIN + LABEL_WIDTH;
  const scale = (WIDTH - MARGIN - VALUE_WIDTH - left) / longest;

  const shapes: string[] = [];
  let top = BARS_TOP;
  for (const { label, bars } of groups) {
    const height = bars.length * (BAR + BAR_GAP) - BAR_GAP;
    shapes.push(text(MARGIN, top + height / 2, label, 'label'));
    for (const { variant, seconds } of bars) {
      const width = Math.max(1, seconds * scale);
      shapes.push(
        `<rect class="${variant}" x="${left}" y="${top}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
        text(left + width + 8, top + BAR / 2, `${seconds.toFixed(1)} s`, 'value'),
      );
      top += BAR + BAR_GAP;
    }
    top += GROUP_GAP - BAR_GAP;
  }
  const height = top - GROUP_GAP + MARGIN;
  const description = groups
    .map(({ label, bars }) => {
      const values = bars.map(({ variant, seconds }) => `${labelOf(variant)} ${seconds.toFixed(1)} s`);
      return `${label}: ${values.join(', ')}.`;
    })
    .join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">Seconds from nothing to the first output of a container</title>
<desc id="desc">${escapeXml(`${network.megabits} Mbit/s, ${network.latency} ms, ${date}. ${description}`)}</desc>
<style>
${styleSheet()}
</style>
<rect class="background" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
${text(MARGIN, 32, `Seconds from nothing to the first output, at ${network.megabits} Mbit/s and ${network.latency} ms`, 'title')}
${drawLegend()}
${shapes.join('\n')}
</svg>
`;
}

/** Average width of a character, as a fraction of the font size. */
const CHARACTER_WIDTH = 0.53;

function drawLegend(): string {
  let x = MARGIN;
  return SERIES.map(({ variant, label }) => {
    const square = `<rect class="${variant}" x="${x}" y="${LEGEND_TOP - 7}" width="14" height="14" rx="2"/>`;
    const entry = `${square}\n${text(x + 21, LEGEND_TOP, label, 'label')}`;
    x += 21 + Math.ceil(label.length * TEXT_SIZE * CHARACTER_WIDTH) + 24;
    return entry;
  }).join('\n');
}

function text(x: number, y: number, content: string, kind: string): string {
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escapeXml(content)}</text>`;
}

function styleSheet(): string {
  const colours = (scheme: 'light' | 'dark') =>
    SERIES.map((series) => `.${series.variant} { fill: ${series[scheme]}; }`).join(' ');
  return `text { font-family: -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; font-size: ${TEXT_SIZE}px; fill: #1f2328; dominant-baseline: central; }
.title { font-size: ${TITLE_SIZE}px; font-weight: 600; }
.background { fill: #ffffff; stroke: #d1d9e0; }
${colours('light')}
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.background { fill: #0d1117; stroke: #3d444d; }
${colours('dark')}
}`;
}

function labelOf(variant: string): string {
  return SERIES.find((series) => series.variant === variant)?.label ?? variant;
}

function escapeXml(words: string): string {
  return words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
