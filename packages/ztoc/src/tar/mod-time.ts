import type { TarInteger } from '../ztoc.ts';
import { parseDecimal } from './decimal.ts';

/** A point in time as tar has it: seconds since 1970, and 0 to 999,999,999 nanoseconds after that. */
export interface TarTime {
  readonly seconds: TarInteger;
  readonly nanoseconds: number;
}

/** 0000-01-01T00:00:00Z. */
const FIRST_SECOND = -62_167_219_200;
/** 9999-12-31T23:59:59Z. */
const LAST_SECOND = 253_402_300_799;

const NANOSECOND_DIGITS = 9;

/**
 * Reads the value of a PAX time record, `seconds[.fraction]`, either possibly negative; digits beyond nanoseconds are
 * dropped. Gives undefined where Go's reader refuses it (archive/tar/strconv.go, `parsePAXTime`).
 */
export function parsePaxTime(text: string): TarTime | undefined {
  const point = text.indexOf('.');
  const whole = point < 0 ? text : text.slice(0, point);
  const fraction = point < 0 ? '' : text.slice(point + 1);
  const seconds = parseDecimal(whole);
  if (seconds === undefined || !/^\d*$/.test(fraction)) return undefined;
  const nanoseconds = Number(fraction.slice(0, NANOSECOND_DIGITS).padEnd(NANOSECOND_DIGITS, '0'));
  if (nanoseconds === 0 || !whole.startsWith('-')) return { seconds, nanoseconds };
  const earlier = typeof seconds === 'bigint' ? seconds - 1n : seconds - 1;
  return { seconds: earlier, nanoseconds: 1e9 - nanoseconds };
}

/**
 * Prints a time as Go's `time.Time.MarshalText` does in UTC: RFC 3339, the nanoseconds without trailing zeros. Years
 * outside 0 to 9999 give an empty string, because the reference ignores Go's error there (ztoc/ztoc_marshaler.go).
 */
export function formatModTime(seconds: TarInteger, nanoseconds: number): string {
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) return '';
  const wholeSeconds = new Date(Number(seconds) * 1000).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
  if (nanoseconds === 0) return `${wholeSeconds}Z`;
  return `${wholeSeconds}.${String(nanoseconds).padStart(NANOSECOND_DIGITS, '0').replace(/0+$/, '')}Z`;
}
