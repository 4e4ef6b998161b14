import { isUtf8 } from 'node:buffer';
import { type ByteRange, quoteText } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { KEEP_READ_FILES, ProfileFiles, profileError } from './profile-files.ts';
import { MAX_PROFILE_SIZE, type ProfileOrigin, type StartProfile } from './start-profile.ts';

/** Version of the JSON format. */
const PROFILE_SCHEMA_VERSION = 1;

const ORIGINS: ReadonlySet<unknown> = new Set<ProfileOrigin>(['recorded', 'predicted', 'written']);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a profile in one of two formats, which docs/formats.md describes. Content that starts with `{` or `[` is JSON;
 * any other content is plain text with one path per line. Unknown JSON fields are ignored. Relative paths start at the root
 * directory, and `.` and `..` are resolved without regard to links. Paths and ranges that occur several times are merged.
 *
 * @param content - At most 4 MiB of UTF-8, with or without a byte order mark.
 * @param name - Name of the profile for errors, such as the path of its file.
 * @returns The profile with sorted paths and ranges. It names at least one file.
 * @throws SociIndexError `PROFILE_INVALID` with the line or the JSON field, for content in neither format, an unknown
 *   `schemaVersion`, an invalid path or range, and a profile that is too large or names no file.
 */
export function parseProfile(content: Uint8Array, name = 'profile'): StartProfile {
  if (content.length > MAX_PROFILE_SIZE) {
    const message = `${name} has ${content.length} bytes, more than the limit of ${MAX_PROFILE_SIZE}. ${KEEP_READ_FILES}`;
    throw new SociIndexError('PROFILE_INVALID', message);
  }
  if (!isUtf8(content)) {
    throw profileError(name, `line ${findInvalidLine(content)}`, 'not UTF-8. Save the file with this encoding.');
  }
  const text = new TextDecoder().decode(content);
  const profile = /^\s*[{[]/.test(text) ? parseJsonProfile(text, name) : parseTextProfile(text, name);
  if (profile.files.length > 0) return profile;
  throw new SociIndexError('PROFILE_INVALID', `${name} names no file. List the files that the start reads.`);
}

/** First line of the table that `soci-index profile predict` prints. */
const TABLE_HEADER = /^FILE\s+READ\s+SIZE\s+WHY$/;

function parseTextProfile(text: string, name: string): StartProfile {
  const files = new ProfileFiles(name);
  for (const [index, line] of text.split('\n').entries()) {
    const path = line.trim();
    if (TABLE_HEADER.test(path)) {
      const remedy = 'Write the profile with "soci-index profile predict -o FILE", or print it with --json.';
      throw profileError(name, `line ${index + 1}`, `the table of "profile predict", not a list of paths. ${remedy}`);
    }
    if (path !== '' && !path.startsWith('#')) files.add(path, undefined, `line ${index + 1}`);
  }
  return { files: files.finish() };
}

function parseJsonProfile(text: string, name: string): StartProfile {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SociIndexError('PROFILE_INVALID', `${name} is not valid JSON: ${reason}`, { cause });
  }
  if (!isObject(document)) {
    const example = '{"schemaVersion":1,"files":[{"path":"/usr/bin/app"}]}';
    throw new SociIndexError('PROFILE_INVALID', `${name} is a JSON list, expected an object such as ${example}`);
  }
  if (document.schemaVersion === undefined && isObject(document.profile)) {
    throw profileError(name, 'profile', 'contains the profile. Save only the value of this field.');
  }
  checkSchemaVersion(document.schemaVersion, name);
  const { files: listed, origin } = document;
  if (!Array.isArray(listed)) throw profileError(name, 'files', `must be a list, got ${show(listed)}`);
  const files = new ProfileFiles(name);
  for (const [index, file] of listed.entries()) {
    const where = `files[${index}]`;
    if (!isObject(file)) throw profileError(name, where, `must be an object with a path, got ${show(file)}`);
    const { path, ranges } = file;
    if (typeof path !== 'string') throw profileError(name, `${where}.path`, `must be a string, got ${show(path)}`);
    files.add(path, readRanges(ranges, `${where}.ranges`, name), where);
  }
  return { files: files.finish(), ...(ORIGINS.has(origin) && { origin: origin as ProfileOrigin }) };
}

function checkSchemaVersion(version: unknown, name: string): void {
  if (version === PROFILE_SCHEMA_VERSION) return;
  const supported = `this version of soci-index reads ${PROFILE_SCHEMA_VERSION}`;
  const remedy =
    typeof version === 'number' ? 'Upgrade soci-index, or record the profile again.' : 'Set "schemaVersion": 1.';
  throw profileError(name, 'schemaVersion', `${show(version)} is not supported, ${supported}. ${remedy}`);
}

function readRanges(ranges: unknown, where: string, name: string): readonly ByteRange[] | undefined {
  if (ranges === undefined) return undefined;
  if (!Array.isArray(ranges)) throw profileError(name, where, `must be a list, got ${show(ranges)}`);
  return ranges.map((range, index) => {
    if (!isObject(range)) {
      throw profileError(name, `${where}[${index}]`, `must be an object with offset and length, got ${show(range)}`);
    }
    const { offset, length } = range;
    for (const [field, value] of Object.entries({ offset, length })) {
      if (typeof value === 'number') continue;
      throw profileError(name, `${where}[${index}].${field}`, `must be a number, got ${show(value)}`);
    }
    return { offset: offset as number, length: length as number };
  });
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? quoteText(value) : String(value);
}

/** Returns the number of the first line that is not UTF-8. */
function findInvalidLine(content: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < content.length; line += 1) {
    const end = content.indexOf(0x0a, start);
    if (!isUtf8(content.subarray(start, end === -1 ? content.length : end))) return line;
    if (end === -1) break;
    start = end + 1;
  }
  return line;
}

/**
 * Writes a profile as JSON in its canonical form: paths and ranges sorted and merged, one file per line. Equal profiles have
 * equal bytes. {@link StartProfile.origin} is part of them.
 *
 * @param profile - May be in any order. `parseProfile` does not accept a profile without files.
 * @throws SociIndexError `PROFILE_INVALID` if a path or range is invalid, or if the result exceeds a limit of `parseProfile`.
 */
export function encodeProfile({ files, origin }: StartProfile): Uint8Array {
  const collected = new ProfileFiles('profile');
  for (const [index, { path, ranges }] of files.entries()) collected.add(path, ranges, `files[${index}]`);
  const fields = [`"schemaVersion":${PROFILE_SCHEMA_VERSION}`];
  if (origin !== undefined) fields.push(`"origin":${JSON.stringify(origin)}`);
  const lines = collected.finish().map((file) => JSON.stringify(file));
  const content = new TextEncoder().encode(`{${fields.join(',')},"files":[\n${lines.join(',\n')}\n]}\n`);
  if (content.length <= MAX_PROFILE_SIZE) return content;
  const message = `the profile has ${content.length} bytes, more than the limit of ${MAX_PROFILE_SIZE}. ${KEEP_READ_FILES}`;
  throw new SociIndexError('PROFILE_INVALID', message);
}
