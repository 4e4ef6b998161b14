import { DEFAULT_MIN_LAYER_SIZE, type ImageAnalysis } from '@soci/index';
import { escapeText } from '@soci/oci';
import { formatBytes, formatPercent } from '../terminal/quantity.ts';
import { quoteWord, truncate } from '../terminal/text.ts';
import { type Assessment, DEFAULT_SPAN_SIZE, type Setting } from './assessment.ts';
import type { ObstacleCode } from './obstacles.ts';

/** Maximum length of a command in a sentence, in characters. */
const MAX_COMMAND_LENGTH = 60;

/** Where the profile of a report comes from: it decides how the index is built. */
export type ProfileSource = { readonly file: string } | 'stored' | 'predicted';

/** Says in one sentence whether an index is worth it. The text is escaped for terminals. */
export function describeVerdict(assessment: Assessment): string {
  const { isWorthIt, best, pull, analysis, network, obstacles, minLayerSize } = assessment;
  const speed = `at ${formatBandwidth(network.bandwidth)}`;
  if (isWorthIt && best !== undefined) {
    const start = `${describeCommand(analysis.command)} starts in about ${formatTime(best.start.seconds)}`;
    return `${describeAction(analysis)}: ${start} instead of ${formatTime(pull.seconds)} ${speed}.`;
  }
  if (best !== undefined) {
    const share = formatPercent(best.bytes, pull.bytes);
    const times = `${formatTime(best.start.seconds)} instead of ${formatTime(pull.seconds)} ${speed}`;
    return `Not worth it: a start over an index downloads ${share} of the image, and takes about ${times}.`;
  }
  const codes = new Set(obstacles.map(({ code }) => code));
  const [only] = codes;
  if (only === undefined) return 'Not worth it: the image has no layer.';
  const zstd = obstacles.find(({ code }) => code === 'zstd');
  if (zstd !== undefined) {
    const share = `${formatBytes(zstd.size)} of ${formatBytes(pull.bytes)} are compressed with zstd`;
    return `Not as it is: ${share}, and an index needs gzip. "report --recompress" estimates what an index of gzip layers gains.`;
  }
  if (codes.size > 1)
    return `Not worth it: no layer can be indexed (${[...codes].map((code) => REASONS[code]).join(', ')}).`;
  const all = only === 'small' ? `all layers are below ${formatBytes(minLayerSize)}` : ALL_LAYERS[only];
  return `Not worth it: ${all ?? 'no layer can be indexed'}.`;
}

function describeAction({ sociIndex, layers }: ImageAnalysis): string {
  if (sociIndex !== undefined) return 'Indexed already, and worth it';
  const recompresses = layers.some(({ recompressedSize, skipped }) => recompressedSize !== undefined && !skipped);
  return recompresses ? 'Recompress and index it' : 'Index it';
}

const REASONS: Readonly<Record<ObstacleCode, string>> = {
  encrypted: 'encrypted',
  'large-spans': 'few positions to start at',
  mismatched: 'wrong media type',
  'read-completely': 'read completely',
  runtime: 'not used by the runtime',
  small: 'small',
  unsupported: 'unsupported media type',
  zstd: 'zstd',
};

const ALL_LAYERS: Readonly<Partial<Record<ObstacleCode, string>>> = {
  encrypted: 'all layers are encrypted',
  mismatched: 'the media types of all layers are wrong',
  runtime: 'the runtime pulls all layers whole',
  unsupported: 'the media types of all layers are unsupported',
};

/** Returns the command line that builds the index of a setting. */
export function convertCommand(
  { spanSize }: Setting,
  source: string,
  profile: ProfileSource,
  { minLayerSize, recompresses }: { readonly minLayerSize: number; readonly recompresses: boolean },
): string {
  const words = ['soci-index', 'convert', ...(recompresses ? ['--recompress'] : [])];
  if (spanSize === 'auto') {
    if (profile === 'predicted') words.push('--span-size', 'auto');
    else if (profile === 'stored') words.push('--use-stored-profile');
    else words.push('--profile', quoteWord(profile.file));
  } else if (spanSize !== DEFAULT_SPAN_SIZE) words.push('--span-size', formatBytes(spanSize).replace(' ', ''));
  if (minLayerSize !== DEFAULT_MIN_LAYER_SIZE) words.push('--min-layer-size', String(minLayerSize));
  return [...words, quoteWord(source), 'DST'].join(' ');
}

/** Returns the name of a setting. */
export function describeSetting({ spanSize }: Setting): string {
  if (spanSize === 'auto') return 'spans: auto';
  return `spans: ${formatBytes(spanSize)}${spanSize === DEFAULT_SPAN_SIZE ? ' (default)' : ''}`;
}

/** Quotes a start command for a sentence. */
export function describeCommand(words: readonly string[]): string {
  if (words.length === 0) return 'the container';
  return `\`${truncate(escapeText(words.map(quoteWord).join(' ')), MAX_COMMAND_LENGTH)}\``;
}

/** Formats an estimate with two digits: `0.9 s`, `3.4 s`, `46 s`, `5 min 23 s`. */
export function formatTime(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 100 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** Formats a bandwidth: `100 Mbit/s`. */
export function formatBandwidth(bits: number): string {
  const [unit, factor] = bits >= 1e9 ? ['Gbit/s', 1e9] : bits >= 1e6 ? ['Mbit/s', 1e6] : ['kbit/s', 1e3];
  return `${Number((bits / (factor as number)).toPrecision(3))} ${unit}`;
}
