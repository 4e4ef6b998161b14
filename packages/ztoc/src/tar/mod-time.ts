import { fromByteString } from '../byte-strings.ts';
import type { TarInteger } from '../ztoc.ts';
import { parseDecimal } from './numbers.ts';

/** A time in a tar archive: seconds since 1970, plus 0 to 999,999,999 nanoseconds. */
export interface TarTime {
  readonly seconds: TarInteger;
  readonly nanoseconds: number;
}

/** 0000-01-01T00:00:00Z. */
const FIRST_SECOND = -62_167_219_200;
/** 9999-12-31T23:59:59Z. */
const LAST_SECOND = 253_402_300_799;

const SECONDS_PER_DAY = 86_400;

const NANOSECOND_DIGITS = 9;
const WHOLE_SECONDS_SIZE = 'YYYY-MM-DDThh:mm:ss'.length;

const POINT = 0x2e;
const ZERO = 0x30;
const ZULU = 0x5a;

/**
 * Parses the value of a PAX time record, `seconds[.fraction]`, which may be negative. Digits beyond nanoseconds are
 * dropped. Returns undefined if Go's reader rejects it (archive/tar/strconv.go, `parsePAXTime`).
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
 * Formats times as Go's `time.Time.MarshalText` does in UTC: RFC 3339 with nanoseconds without trailing zeros. Years
 * outside 0 to 9999 result in an empty string, because the reference ignores Go's error (ztoc/ztoc_marshaler.go).
 *
 * Each string is created in one piece: a concatenated string keeps its parts, which more than doubles the memory for
 * millions of them. Adjacent files often have the same time and then share a string.
 */
export class ModTimeFormatter {
  /** Characters of the text. An array, because V8 copies the arguments of `fromCharCode` from a typed array in slow code. */
  readonly #text = Array.from(fromByteString('1970-01-01T00:00:00Z'));
  #day = 0;
  #seconds: TarInteger = 0;
  #nanoseconds = 0;
  #formatted = '1970-01-01T00:00:00Z';

  /** Formats `seconds` since 1970 plus `nanoseconds` (0 to 999,999,999). */
  format(seconds: TarInteger, nanoseconds: number): string {
    if (seconds !== this.#seconds || nanoseconds !== this.#nanoseconds) {
      this.#seconds = seconds;
      this.#nanoseconds = nanoseconds;
      const isInRange = seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
      this.#formatted = isInRange ? this.#formatNew(Number(seconds), nanoseconds) : '';
    }
    return this.#formatted;
  }

  #formatNew(seconds: number, nanoseconds: number): string {
    const day = Math.floor(seconds / SECONDS_PER_DAY);
    if (day !== this.#day) this.#putDate(day);
    const time = seconds - day * SECONDS_PER_DAY;
    this.#putNumber(Math.floor(time / 3600), 11, 2);
    this.#putNumber(Math.floor(time / 60) % 60, 14, 2);
    this.#putNumber(time % 60, 17, 2);
    let end = WHOLE_SECONDS_SIZE;
    if (nanoseconds !== 0) {
      this.#text[end++] = POINT;
      this.#putNumber(nanoseconds, end, NANOSECOND_DIGITS);
      end += NANOSECOND_DIGITS;
      while (this.#text[end - 1] === ZERO) end--;
    }
    this.#text[end++] = ZULU;
    if (this.#text.length !== end) this.#text.length = end;
    return String.fromCharCode.apply(null, this.#text);
  }

  /** Adjacent files often have the same day, and `Date` is slow. */
  #putDate(day: number): void {
    const date = new Date(day * SECONDS_PER_DAY * 1000);
    this.#putNumber(date.getUTCFullYear(), 0, 4);
    this.#putNumber(date.getUTCMonth() + 1, 5, 2);
    this.#putNumber(date.getUTCDate(), 8, 2);
    this.#day = day;
  }

  #putNumber(value: number, start: number, digits: number): void {
    for (let at = start + digits - 1, rest = value; at >= start; at--) {
      this.#text[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}
