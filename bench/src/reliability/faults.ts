import type { Fault, FaultRule, RequestRecord, TestRegistry } from '@soci/test-registry';

/** A kind of fault, and where in a run it can happen. */
export interface FaultKind {
  /** As the report calls it. */
  readonly name: string;
  /** Of the requests of an undisturbed run, those that it can happen to. */
  readonly happensTo: (request: RequestRecord) => boolean;
  /** Requests in a row that it happens to. @default 1 */
  readonly times?: number;
  /** @param byte - A place in the body of the request that it happens to, or of its answer where that has none. */
  readonly fault: (byte: number) => Fault;
}

const readsBlob = ({ method, path, bytesOut }: RequestRecord) =>
  method === 'GET' && path.includes('/blobs/') && bytesOut > 0;
const writesBlob = ({ path, bytesIn }: RequestRecord) => path.includes('/blobs/uploads/') && bytesIn > 0;
const isAny = ({ port }: RequestRecord) => port !== 'aws';
const hasDigest = ({ method, path, port }: RequestRecord) =>
  port === 'registry' && method !== 'POST' && path.includes('/manifests/');

/** Every fault that the test registry knows and a network, a proxy or a registry is known for. */
export const FAULT_KINDS: readonly FaultKind[] = [
  {
    name: '429, four times',
    happensTo: isAny,
    times: 4,
    fault: () => ({ kind: 'status', status: 429, retryAfter: 0 }),
  },
  { name: '503, three times', happensTo: isAny, times: 3, fault: () => ({ kind: 'status', status: 503 }) },
  { name: 'reset before an answer', happensTo: isAny, fault: () => ({ kind: 'reset' }) },
  { name: 'reset after N bytes', happensTo: readsBlob, fault: (byte) => ({ kind: 'reset', afterBytes: byte }) },
  {
    name: 'reset after N bytes of an upload',
    happensTo: writesBlob,
    fault: (byte) => ({ kind: 'reset', afterBytes: byte }),
  },
  { name: 'answer lost', happensTo: isAny, fault: () => ({ kind: 'lost-answer' }) },
  { name: 'stall after N bytes', happensTo: readsBlob, fault: (byte) => ({ kind: 'stall', afterBytes: byte }) },
  {
    name: 'stall after N bytes of an upload',
    happensTo: writesBlob,
    fault: (byte) => ({ kind: 'stall', afterBytes: byte }),
  },
  { name: 'end after N bytes', happensTo: readsBlob, fault: (byte) => ({ kind: 'truncate', afterBytes: byte }) },
  { name: 'a wrong byte', happensTo: readsBlob, fault: (byte) => ({ kind: 'wrong-bytes', atByte: byte }) },
  { name: 'a wrong digest header', happensTo: hasDigest, fault: () => ({ kind: 'wrong-digest-header' }) },
  { name: 'slow: 10 MB/s', happensTo: readsBlob, fault: () => ({ kind: 'slow', rate: 10e6 }) },
  { name: 'tokens expire', happensTo: isAny, fault: () => ({ kind: 'expire-token' }) },
  { name: 'signed addresses expire', happensTo: isAny, fault: () => ({ kind: 'expire-urls' }) },
  { name: 'a page in place of an answer', happensTo: isAny, fault: () => ({ kind: 'html' }) },
];

/**
 * The rule that makes a fault happen at a random moment of a run: to one of the requests that it can happen to, at a byte
 * of its body. Requests of one sort may come in another order than in the undisturbed run; the moment is as random then.
 *
 * @param requests - Those of an undisturbed run.
 */
export function chooseMoment(kind: FaultKind, requests: readonly RequestRecord[], random: () => number): FaultRule {
  const candidates = requests.filter(kind.happensTo);
  const chosen = candidates[Math.floor(random() * candidates.length)];
  if (chosen === undefined) throw new Error(`no request of the undisturbed run can meet "${kind.name}"`);
  const alike = ({ port, method }: RequestRecord) => port === chosen.port && method === chosen.method;
  const byte = Math.floor(random() * (chosen.bytesIn || chosen.bytesOut));
  return {
    on: { port: chosen.port, method: chosen.method, path: pathPattern(chosen) },
    after: requests
      .slice(0, requests.indexOf(chosen))
      .filter((request) => alike(request) && pathPattern(chosen).test(request.path)).length,
    times: kind.times ?? 1,
    fault: kind.fault(byte),
  };
}

/** Blobs with blobs, manifests with manifests, the rest with the rest. */
function pathPattern({ path }: RequestRecord): RegExp {
  if (path.includes('/blobs/uploads')) return /\/blobs\/uploads/;
  if (path.includes('/blobs/')) return /\/blobs\/(?!uploads)/;
  return path.includes('/manifests/') ? /\/manifests\// : /^(?!.*\/(?:blobs|manifests)\/)/;
}

/** Which tags of a repository lead to something that is not all there, each with what is missing. */
export function incompleteTags(registry: TestRegistry, repository: string): string[] {
  return registry
    .tags(repository)
    .flatMap((tag) => registry.checkGraph(repository, tag).map((missing) => `${repository}:${tag}: ${missing}`));
}

/** Numbers from 0 up to 1, the same for the same seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
