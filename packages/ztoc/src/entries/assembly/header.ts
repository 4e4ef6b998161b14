// Reads plain tar headers (archive/tar/reader.go, `readHeader`; POSIX.1-2017, pax, "ustar Interchange Format"): in the
// formats ustar and GNU, with octal numbers. Everything else is left to ../../tar/header-block.ts, which has the same fields.

import { BLOCK, copy, entry, NAME, TIME } from './memory';

const SIZE: i32 = 512;
const USTAR: u64 = 0x0000007261747375; // "ustar", NUL
const GNU: u64 = 0x0020207261747375; // "ustar", two spaces, NUL
const STAR: u32 = 0x00726174; // "tar", NUL
const SLASH: u8 = 0x2f;
const DIRECTORY: u32 = 5;

/** Bits of a mode above the permissions, and those of a regular file. The runtime reports other types. */
const MODE_TYPE: i64 = ~0o7777;
const REGULAR: i64 = 0o100000;

/** Result of `octal` for a field that is not octal. */
const NOT_OCTAL: i64 = -1;

/** The time that TIME has. */
let formattedTime: i64 = -1;
let formattedDay: i64 = -1;

/**
 * Reads the block at BLOCK into the entry, unless a field needs more than this file knows.
 * @param name Address of the name from a header before it.
 * @param nameSize Size of that name, or 0.
 * @param link Address of the link name from a header before it.
 * @param linkSize Size of that link name, or 0.
 * @returns whether it did. If not, the entry has any content
 */
export function readPlainHeader(name: usize, nameSize: usize, link: usize, linkSize: usize): bool {
  const flag = <u32>load<u8>(BLOCK, 156);
  const type: u32 = flag == 0 ? 0 : flag - 0x30;
  if (type > 6 || !hasValidChecksum()) return false;
  const magic = load<u64>(BLOCK, 257);
  let prefixSize: usize = 0;
  if ((magic & 0x0000ffffffffffff) == USTAR) {
    if (load<u32>(BLOCK, 508) == STAR) return false;
    prefixSize = stringSize(BLOCK + 345, 155);
  } else if (magic == GNU) {
    // Times of access and change, or a prefix of Go before 1.8.
    if (load<u8>(BLOCK, 345) != 0 || load<u8>(BLOCK, 357) != 0) return false;
  } else return false;

  const mode = octal(BLOCK + 100, 8);
  const uid = octal(BLOCK + 108, 8);
  const gid = octal(BLOCK + 116, 8);
  const size = octal(BLOCK + 124, 12);
  const time = octal(BLOCK + 136, 12);
  const devMajor = octal(BLOCK + 329, 8);
  const devMinor = octal(BLOCK + 337, 8);
  if ((mode | uid | gid | size | time | devMajor | devMinor) < 0) return false;

  entry.nameSize = nameSize > 0 ? nameSize : stringSize(BLOCK, 100);
  if (nameSize > 0) entry.name = name;
  else if (prefixSize == 0) entry.name = BLOCK;
  else {
    copy(NAME, BLOCK + 345, prefixSize);
    store<u8>(NAME + prefixSize, SLASH);
    copy(NAME + prefixSize + 1, BLOCK, entry.nameSize);
    entry.name = NAME;
    entry.nameSize += prefixSize + 1;
  }
  // The type before POSIX. With a slash at the end of its name, the entry is a directory.
  if (flag == 0 && entry.nameSize > 0 && load<u8>(entry.name + entry.nameSize - 1) == SLASH) return false;
  if (type == 0) {
    const modeType = mode & MODE_TYPE;
    if (modeType != 0 && modeType != REGULAR) return false;
  } else if (size != 0) return false;

  entry.type = type;
  entry.size = size;
  entry.mode = mode;
  entry.uid = <u32>uid;
  entry.gid = <u32>gid;
  entry.devMajor = devMajor;
  entry.devMinor = devMinor;
  entry.link = linkSize > 0 ? link : BLOCK + 157;
  entry.linkSize = linkSize > 0 ? linkSize : stringSize(BLOCK + 157, 100);
  entry.user = BLOCK + 265;
  entry.userSize = stringSize(BLOCK + 265, 32);
  entry.group = BLOCK + 297;
  entry.groupSize = stringSize(BLOCK + 297, 32);
  if (time != formattedTime) formatTime(time);
  entry.time = TIME;
  entry.timeSize = 20;
  return true;
}

/** The checksum counts its own field as spaces. A signed checksum, as in the tar of SunOS, is not plain. */
function hasValidChecksum(): bool {
  let sums = i32x4.splat(0);
  for (let at = 0; at < SIZE; at += 16) {
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(v128.load(BLOCK + at))));
  }
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  sum += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  for (let at = 148; at < 156; at++) sum += 0x20 - <i32>load<u8>(BLOCK + at);
  return octal(BLOCK + 148, 8) == <i64>sum;
}

/** Parses a number as `parseOctal` in ../../tar/numbers.ts does. */
function octal(start: usize, size: usize): i64 {
  const end = start + size;
  while (start < end && isPadding(load<u8>(start))) start++;
  let value: i64 = 0;
  for (; start < end; start++) {
    const digit = <u32>load<u8>(start) - 0x30;
    if (digit > 7) break;
    value = (value << 3) | <i64>digit;
  }
  if (start < end && load<u8>(start) != 0) {
    for (; start < end; start++) if (!isPadding(load<u8>(start))) return NOT_OCTAL;
  }
  return value;
}

@inline
function isPadding(byte: u8): bool {
  return byte == 0x20 || byte == 0;
}

/** Returns the size of the string at `start`: up to a NUL, or the whole field. */
function stringSize(start: usize, length: usize): usize {
  let size: usize = 0;
  while (size < length && load<u8>(start + size) != 0) size++;
  return size;
}

/** Writes a time as RFC 3339, in UTC: YYYY-MM-DDThh:mm:ssZ. Twelve octal digits end in the year 4147. */
function formatTime(time: i64): void {
  const day = time / 86400;
  const second = <u32>(time % 86400);
  if (day != formattedDay) formatDay(day);
  putNumber(TIME + 11, second / 3600, 2);
  putNumber(TIME + 14, (second / 60) % 60, 2);
  putNumber(TIME + 17, second % 60, 2);
  store<u8>(TIME + 10, 0x54);
  store<u8>(TIME + 13, 0x3a);
  store<u8>(TIME + 16, 0x3a);
  store<u8>(TIME + 19, 0x5a);
  formattedTime = time;
}

/** Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days since 1970. */
function formatDay(day: i64): void {
  const shifted = <u32>day + 719468;
  const era = shifted / 146097;
  const dayOfEra = shifted % 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shiftedMonth = (5 * dayOfYear + 2) / 153;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  putNumber(TIME, yearOfEra + era * 400 + <u32>(month <= 2), 4);
  store<u8>(TIME + 4, 0x2d);
  putNumber(TIME + 5, month, 2);
  store<u8>(TIME + 7, 0x2d);
  putNumber(TIME + 8, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2);
  formattedDay = day;
}

function putNumber(target: usize, value: u32, digits: usize): void {
  for (let at = target + digits; at > target; value /= 10) store<u8>(--at, <u8>(0x30 + (value % 10)));
}
