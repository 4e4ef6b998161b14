import { SociIndexError } from '../errors.ts';
import { PROFILE_SCHEMA_VERSION } from './parse-profile.ts';
import { KEEP_READ_FILES, ProfileFiles } from './profile-files.ts';
import { MAX_PROFILE_SIZE, type StartProfile } from './start-profile.ts';

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
