const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Formats a size with up to three digits: `512 B`, `36.5 KiB`, `104 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

/** Formats a whole number with thousands separators: `12,345`. Not with `Intl`, whose tables use 8 MB of memory. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a count with its noun: `1 layer`, `2 layers`. */
export function pluralize(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** Formats a duration: `0.04 s`, `3.2 s`, `2 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** Formats a percentage with two significant digits: `37 %`, `0.4 %`, `0.002 %`. */
export function formatPercent(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent === 0 || percent >= 10) return `${Math.round(percent)} %`;
  return `${Number(percent.toPrecision(2))} %`;
}

/** Draws a bar of `width` cells for the share of `part` in `whole`. A share above 0 is never drawn as an empty bar. */
export function drawBar(part: number, whole: number, width: number): string {
  const share = whole > 0 ? Math.min(1, part / whole) : 1;
  const eighths = share > 0 ? Math.max(1, Math.floor(share * width * 8)) : 0;
  const full = Math.floor(eighths / 8);
  const rest = eighths % 8 === 0 ? '' : ('▏▎▍▌▋▊▉'[(eighths % 8) - 1] ?? '');
  return `${'█'.repeat(full)}${rest}${'░'.repeat(Math.max(0, width - full - (rest === '' ? 0 : 1)))}`;
}

/** Shortens a digest to twelve digits: `sha256:0709e246a1d1`. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}
