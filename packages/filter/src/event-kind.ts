import { FilterError } from './errors.ts';
import { quoteShort } from './quote.ts';

/**
 * The events that can lead to an index:
 *
 * - `push`: an image was pushed, or a tag was set (`ECR Image Action`);
 * - `replication`: an image came from another region or account (`ECR Replication Action`, sent where it arrived);
 * - `pull-through-cache`: an image was fetched from an upstream registry (`ECR Pull Through Cache Action`).
 */
export type EcrEventKind = 'push' | 'replication' | 'pull-through-cache';

/** The kinds that are taken unless others are asked for. */
export const DEFAULT_KINDS: readonly EcrEventKind[] = ['push'];

/** @see Amazon ECR User Guide, "Sample events from Amazon ECR" */
const DETAIL_TYPES: Readonly<Record<EcrEventKind, string>> = {
  push: 'ECR Image Action',
  replication: 'ECR Replication Action',
  'pull-through-cache': 'ECR Pull Through Cache Action',
};

/**
 * The `detail-type` of each of these kinds, in their order.
 *
 * @throws FilterError `OPTION_INVALID` where there are none, or one is unknown.
 */
export function detailTypesOf(kinds: readonly EcrEventKind[]): string[] {
  const unknown = kinds.filter((kind) => !Object.hasOwn(DETAIL_TYPES, kind));
  if (kinds.length > 0 && unknown.length === 0) return kinds.map((kind) => DETAIL_TYPES[kind]);
  const known = Object.keys(DETAIL_TYPES).join(', ');
  const given = kinds.length === 0 ? 'is empty' : `has ${unknown.map(quoteShort).join(', ')}`;
  throw new FilterError('OPTION_INVALID', 'invalid options', [
    { path: 'kinds', problem: `${given}: expected one or more of ${known}` },
  ]);
}
