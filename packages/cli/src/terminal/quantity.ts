const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes for people: `512 B`, `36.5 KiB`, `104 MiB`; three digits are enough for anybody. */
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

/** Whole numbers from 0 with thousands set apart: `12,345`. By hand, because the tables of locales take 8 MB of memory. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count and its noun: `1 layer`, `2 layers`. */
export function countOf(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** Durations for people: `0.04 s`, `3.2 s`, `2 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** A share for people: `37 %`, `0.4 %`, `0.002 %`: two digits that mean something. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent === 0 || percent >= 10) return `${Math.round(percent)} %`;
  return `${Number(percent.toPrecision(2))} %`;
}

/** A bar of `width` cells, as full as `part` is of `whole`; a part that is there is never shown as nothing. */
export function drawBar(part: number, whole: number, width: number): string {
  const share = whole > 0 ? Math.min(1, part / whole) : 1;
  const eighths = share > 0 ? Math.max(1, Math.floor(share * width * 8)) : 0;
  const full = Math.floor(eighths / 8);
  const rest = eighths % 8 === 0 ? '' : ('▏▎▍▌▋▊▉'[(eighths % 8) - 1] ?? '');
  return `${'█'.repeat(full)}${rest}${'░'.repeat(Math.max(0, width - full - (rest === '' ? 0 : 1)))}`;
}

/** A digest that people can tell from another: `sha256:0709e246a1d1`. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}
