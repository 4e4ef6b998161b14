import type { PlatformReport, UsedProfile } from '@soci/index';
import { formatPlatform } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import { formatBytes, formatCount, pluralize, shortDigest } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

/** What to do if the image has no file of a profile. */
const REMEDIES = {
  given: 'Name files, not directories, by their paths in the container.',
  stored: 'Record a profile of this image, and store it with "soci-index profile push".',
  predicted: 'To see why, run "soci-index profile predict" for this image.',
};

/** Prints which profile the spans follow, and what a start reads: one line for each platform. */
export async function printProfile(
  profile: UsedProfile,
  platforms: readonly PlatformReport[],
  output: Output,
): Promise<void> {
  const name = describeProfile(profile);
  const guided = platforms.filter(({ start }) => start !== undefined);
  if (guided.length === 0) {
    if (platforms.length === 0 || profile.origin === 'none') return output.writeLine(`${name}.`);
    await output.writeLine(`${name}: no file found, so spans have the default size.`);
    return output.writeLine(`  ${REMEDIES[profile.origin]}`);
  }
  for (const { platform, start } of guided) {
    if (start === undefined) continue;
    const { files, filesFound, bytesRead, ztocsSize } = start;
    const of = guided.length > 1 ? ` for ${printable(formatPlatform(platform))}` : '';
    const found = `${formatCount(filesFound)} of ${pluralize(files, 'file')} found`;
    await output.writeLine(
      `${name}${of}: ${found}; a start reads ${formatBytes(bytesRead)} of layers, and ${formatBytes(ztocsSize)} of zTOCs.`,
    );
  }
}

function describeProfile({ origin, digest = '' }: UsedProfile): string {
  switch (origin) {
    case 'given':
      return 'Given profile';
    case 'stored':
      return `Stored profile ${shortDigest(digest)}`;
    case 'predicted':
      return 'Predicted profile';
    case 'none':
      return 'No stored profile is used, so spans have the default size';
  }
}
