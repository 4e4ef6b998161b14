import { formatPlatform } from '@soci/oci';
import { formatBytes, formatCount, pluralize, shortDigest } from '../../terminal/quantity.ts';
import { type Assessment, assess, type SettingReport } from '../assessment.ts';
import { buildFileTree } from '../file-tree.ts';
import { compressionOf, describeProfile } from '../print-report.ts';
import type { Report } from '../report.ts';
import type { Phase } from '../start-model.ts';
import { describeCommand, describeSetting, formatBandwidth, formatTime } from '../verdict.ts';
import { html, Markup } from './markup.ts';
import { STYLE } from './style.ts';
import { drawTreemap } from './treemap.ts';

/** Maximum number of layers in the table, the largest first. */
const MAX_LAYERS = 100;

/** Maximum number of digests of an obstacle. */
const MAX_DIGESTS = 5;

/** Bandwidths for which a report shows times, in bits per second. */
const BANDWIDTHS = [1e7, 1e8, 1e9];

/** Forbids every request. The page has no script. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** Returns a report as one HTML page that needs nothing else. */
export function reportAsHtml(report: Report): string {
  const { assessment, source } = report;
  const { analysis, pull } = assessment;
  const image = `${formatPlatform(analysis.platform)}, ${formatBytes(pull.bytes)} in ${pluralize(analysis.layers.length, 'layer')}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>SOCI report: ${source}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header><h1>${source}</h1><p class="muted">${image}</p></header>
${showVerdict(report)}
${showTimes(assessment)}
${showFiles(report)}
${showObstacles(assessment)}
${showSettings(assessment)}
${showNetworks(assessment)}
${showLayers(assessment)}
<p class="note">Times are estimates of one model, fitted to measured starts of containerd and soci-snapshotter, for ${describeNetwork(assessment)}. A zTOC is the table of contents of a layer. The runtime downloads it twice, and so counts this report.</p>
</main>
</body>
</html>
`.text;
}

function describeNetwork({ network }: Pick<Assessment, 'network'>): string {
  return `${formatBandwidth(network.bandwidth)} and a latency of ${Math.round(network.latency * 1e5) / 100} ms`;
}

function showVerdict({ assessment, verdict, choices }: Report): Markup {
  const commands = choices.map(
    ({ setting, command }) =>
      html`<div class="choice"><span>About ${formatTime(setting.start.seconds)}, ${describeSetting(setting)}</span><code class="command">${command}</code></div>`,
  );
  const tested =
    choices[0]?.setting.spanSize === 'auto'
      ? html`<p class="note">Spans of different sizes were tested with soci-snapshotter, and not with AWS Fargate.</p>`
      : html``;
  return html`<section class="verdict ${assessment.isWorthIt ? 'good' : ''}"><p>${markCode(verdict)}</p>${commands}${tested}</section>`;
}

const PHASES: Readonly<Record<Phase['name'], string>> = {
  connect: 'requests',
  download: 'download',
  mount: 'mount',
  read: 'read spans',
  inflate: 'inflate',
  unpack: 'unpack',
  other: 'other work',
  run: 'start',
};

/** Shows the phases of each way to start one after the other, on one time axis. */
function showTimes({ pull, settings, best, standard, network, analysis }: Assessment): Markup {
  const ways = [
    { title: 'Ordinary pull', bytes: pull.bytes, time: pull },
    ...[...new Set([standard, best])]
      .filter((setting) => setting !== undefined)
      .map((setting) => ({ title: `Index, ${describeSetting(setting)}`, bytes: setting.bytes, time: setting.start })),
  ];
  const longest = Math.max(...ways.map(({ time }) => time.seconds));
  if (settings.length === 0) ways.splice(1);
  const bars = ways.map(({ title, bytes, time }) => {
    const segments = time.phases.map(
      ({ name, seconds }) =>
        html`<i class="${name}" style="width:${((100 * seconds) / longest).toFixed(2)}%" title="${PHASES[name]}: ${formatTime(seconds)}"></i>`,
    );
    const parts = time.phases
      .filter(({ seconds }) => seconds >= 0.05)
      .map(({ name, seconds }) => html`<span class="${name}">${PHASES[name]} ${formatTime(seconds)}</span> `);
    return html`<div class="bar"><div class="bar-title"><span>${title}</span><b>${formatTime(time.seconds)} · ${formatBytes(bytes)}</b></div><div class="track">${segments}</div><div class="phases">${parts}</div></div>`;
  });
  const command =
    analysis.command.length === 0 ? 'first output' : `first output of ${describeCommand(analysis.command)}`;
  return html`<section><h2>Time to the ${markCode(command)}</h2><p class="muted">${describeNetwork({ network })}</p>${bars}${drawAxis(longest)}</section>`;
}

/** Maximum number of steps of the time axis, and what they can be: multiples of powers of ten. */
const MAX_STEPS = 6;
const STEPS = [1, 2, 5, 10];

/** Position after which the axis has no room for a label, as a fraction of its width. */
const LAST_LABEL = 0.93;

/** Draws the time axis of bars whose whole width is `longest` seconds. */
function drawAxis(longest: number): Markup {
  const power = 10 ** Math.floor(Math.log10(longest / MAX_STEPS));
  const step = power * (STEPS.find((factor) => longest / (factor * power) <= MAX_STEPS) ?? 10);
  const ticks = Array.from({ length: Math.floor((LAST_LABEL * longest) / step) + 1 }, (_, i) => i * step);
  return html`<div class="axis" aria-hidden="true">${ticks.map(
    (seconds) =>
      html`<span style="left:${((100 * seconds) / longest).toFixed(2)}%">${Number(seconds.toPrecision(3))} s</span>`,
  )}</div>`;
}

/** Shows text between backticks as code. */
function markCode(text: string): readonly Markup[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

function showFiles(report: Report): Markup {
  const { layers } = report.assessment.analysis;
  if (layers.every(({ content }) => content === undefined)) return html``;
  return html`<section><h2>What a start reads</h2><p class="muted">Profile, ${describeProfile(report)}. Each area is a file or a directory of a layer, in proportion to its size.</p>${drawTreemap(buildFileTree(layers))}<div class="legend"><span><i style="background:var(--unread)"></i>not read</span><span><i style="background:color-mix(in srgb, var(--read-colour) 50%, var(--unread))"></i>partly read</span><span><i style="background:var(--read-colour)"></i>read completely</span></div></section>`;
}

function showObstacles({ obstacles }: Assessment): Markup {
  if (obstacles.length === 0) return html``;
  const items = obstacles.map(({ layers, size, message, remedy }) => {
    const more = layers.length > MAX_DIGESTS ? ` and ${formatCount(layers.length - MAX_DIGESTS)} more` : '';
    const named = `${layers.slice(0, MAX_DIGESTS).map(shortDigest).join(', ')}${more}`;
    return html`<li><b>${pluralize(layers.length, 'layer')}, ${formatBytes(size)}</b>: ${message}. ${remedy === undefined ? '' : html`<b>${remedy}.</b>`} <span class="muted">${named}</span></li>`;
  });
  return html`<section><h2>What defeats lazy loading</h2><ul>${items}</ul></section>`;
}

function showSettings({ pull, settings, best, isWorthIt }: Assessment): Markup {
  if (settings.length === 0) return html``;
  const row = (setting: SettingReport) =>
    html`<tr class="${setting === best && isWorthIt ? 'best' : ''}"><td>${describeSetting(setting)}</td>${numbers(
      formatTime(setting.start.seconds),
      formatBytes(setting.bytes),
      formatBytes(setting.ztocsSize),
      formatCount(setting.spans),
      formatBytes(setting.spansSize),
    )}</tr>`;
  return html`<section><h2>Settings</h2><div class="scroll"><table><tr><th>Setting</th>${titles('Start', 'Downloaded', 'zTOCs', 'Spans read', 'Their size')}</tr><tr><td>ordinary pull</td>${numbers(formatTime(pull.seconds), formatBytes(pull.bytes), '', '', '')}</tr>${settings.map(row)}</table></div></section>`;
}

/** Shows the times over other networks, because users do not know theirs. */
function showNetworks({ analysis, network, minLayerSize, best, standard }: Assessment): Markup {
  const compared = [...new Set([standard, best])].filter((setting) => setting !== undefined);
  if (compared.length === 0) return html``;
  const rows = [...new Set([...BANDWIDTHS, network.bandwidth])]
    .sort((a, b) => a - b)
    .map((bandwidth) => {
      const { pull, settings } = assess(analysis, { ...network, bandwidth }, minLayerSize);
      const times = compared.map(
        (wanted) => settings.find(({ spanSize }) => spanSize === wanted.spanSize)?.start ?? pull,
      );
      const cells = [pull, ...times].map(({ seconds }) => formatTime(seconds));
      return html`<tr><td>${formatBandwidth(bandwidth)}</td>${numbers(...cells)}</tr>`;
    });
  return html`<section><h2>Other networks</h2><div class="scroll"><table><tr><th>Bandwidth</th>${titles('Ordinary pull', ...compared.map(describeSetting))}</tr>${rows}</table></div></section>`;
}

function showLayers({ analysis: { layers } }: Assessment): Markup {
  const spanSizes = layers.find(({ content }) => content !== undefined)?.content?.spans ?? [];
  const shown = layers.length <= MAX_LAYERS ? layers : layers.toSorted((a, b) => b.size - a.size).slice(0, MAX_LAYERS);
  const rows = shown.map((layer) => {
    const { digest, size, content } = layer;
    const read = content?.reads.reduce((sum, { start, end }) => sum + end - start, 0);
    const cells = [
      formatBytes(size),
      content === undefined ? '' : formatCount(content.files),
      compressionOf(layer),
      read === undefined ? '' : formatBytes(read),
      ...spanSizes.map((_, i) => (content === undefined ? '' : formatBytes(content.spans[i]?.ztocSize ?? 0))),
    ];
    return html`<tr><td><code>${shortDigest(digest)}</code></td>${numbers(...cells)}</tr>`;
  });
  const sizes = spanSizes.map(({ spanSize }) => `zTOC, ${spanSize === 'auto' ? 'auto' : formatBytes(spanSize)}`);
  const more =
    layers.length > shown.length
      ? html`<p class="note">and ${formatCount(layers.length - shown.length)} smaller layers</p>`
      : html``;
  return html`<section><h2>Layers</h2><div class="scroll"><table><tr><th>Layer</th>${titles('Size', 'Files', 'Type', 'Read', ...sizes)}</tr>${rows}</table></div>${more}</section>`;
}

function numbers(...cells: readonly string[]): readonly Markup[] {
  return cells.map((cell) => html`<td class="number">${cell}</td>`);
}

function titles(...names: readonly string[]): readonly Markup[] {
  return names.map((name) => html`<th class="number">${name}</th>`);
}
