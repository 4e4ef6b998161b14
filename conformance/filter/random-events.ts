import type { EventPatternOptions } from '@soci/filter';
import { Random } from '@soci/test-content';
import {
  asReceived,
  cacheEvent,
  DOCKER_CONFIG,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  type Json,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
  pushEvent,
  replicationEvent,
  SOCI_V1,
  SOCI_V2,
} from '../../packages/filter/src/fixtures/events.ts';

/** Undefined means that the field is absent. */
const TAGS = ['v4', 'v4-soci', 'LATEST', '', undefined];
const MANIFESTS = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST, 'application/json', '', undefined];
const ARTIFACTS = [OCI_CONFIG, DOCKER_CONFIG, SOCI_V1, SOCI_V2, OCI_CONFIG.slice(0, -1), '', undefined, undefined];
const KINDS: readonly Required<EventPatternOptions>['kinds'][] = [
  ['push'],
  ['replication'],
  ['pull-through-cache', 'push'],
  ['push', 'replication', 'pull-through-cache'],
];

/** Returns well-formed events and options. They depend only on the seed. */
export function randomCases(count: number, seed: number): { event: Json; options: EventPatternOptions }[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({
    event: asReceived(randomEvent(random)),
    options: { kinds: random.pick(KINDS), untagged: random.chance(0.5) },
  }));
}

function randomEvent(random: Random): Json {
  const tag = { 'image-tag': random.pick(TAGS) };
  const status = random.chance(0.8) ? 'SUCCESS' : 'FAILURE';
  const action = { result: status, 'action-type': random.chance(0.8) ? 'PUSH' : 'DELETE', ...tag };
  const types = { 'manifest-media-type': random.pick(MANIFESTS), 'artifact-media-type': random.pick(ARTIFACTS) };
  const event = random.pick([
    pushEvent({ ...action, ...types }),
    pushEvent({ ...action, ...types }),
    replicationEvent(action),
    cacheEvent({ 'sync-status': status, ...tag }),
  ]);
  return random.chance(0.05) ? { ...event, source: 'aws.s3' } : event;
}
