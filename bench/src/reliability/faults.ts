import type { Fault, FaultRule, RequestRecord, TestRegistry } from '@soci/test-registry';

/** A kind of fault and the requests that it can affect. */
export interface FaultKind {
  /** Name in the report. */
  readonly name: string;
  /** Reports whether the fault can affect a request of the run without faults. */
  readonly canAffect: (request: RequestRecord) => boolean;
  /** Number of consecutive requests that fail. @default 1 */
  readonly times?: number;
  /** @param byte - Offset in the body of the request, or of the response if the request has no body. */
  readonly fault: (byte: number) => Fault;
}

const readsBlob = ({ method, path, bytesOut }: RequestRecord) =>
  method === 'GET' && path.includes('/blobs/') && bytesOut > 0;
const writesBlob = ({ path, bytesIn }: RequestRecord) => path.includes('/blobs/uploads/') && bytesIn > 0;
const isAny = ({ port }: RequestRecord) => port !== 'aws';
const hasDigest = ({ method, path, port }: RequestRecord) =>
  port === 'registry' && method !== 'POST' && path.includes('/manifests/');

/** Faults of networks, proxies and registries that the test registry can inject. */
export const FAULT_KINDS: readonly FaultKind[] = [
  {
    name: '429, four times',
    canAffect: isAny,
    times: 4,
    fault: () => ({ kind: 'status', status: 429, retryAfter: 0 }),
  },
  { name: '503, three times', canAffect: isAny, times: 3, fault: () => ({ kind: 'status', status: 503 }) },
  { name: 'reset before the response', canAffect: isAny, fault: () => ({ kind: 'reset' }) },
  { name: 'reset after N bytes', canAffect: readsBlob, fault: (byte) => ({ kind: 'reset', afterBytes: byte }) },
  {
    name: 'reset after N bytes of an upload',
    canAffect: writesBlob,
    fault: (byte) => ({ kind: 'reset', afterBytes: byte }),
  },
  { name: 'response lost', canAffect: isAny, fault: () => ({ kind: 'lost-response' }) },
  { name: 'stall after N bytes', canAffect: readsBlob, fault: (byte) => ({ kind: 'stall', afterBytes: byte }) },
  {
    name: 'stall after N bytes of an upload',
    canAffect: writesBlob,
    fault: (byte) => ({ kind: 'stall', afterBytes: byte }),
  },
  { name: 'truncated after N bytes', canAffect: readsBlob, fault: (byte) => ({ kind: 'truncate', afterBytes: byte }) },
  { name: 'wrong byte', canAffect: readsBlob, fault: (byte) => ({ kind: 'wrong-bytes', atByte: byte }) },
  { name: 'wrong digest header', canAffect: hasDigest, fault: () => ({ kind: 'wrong-digest-header' }) },
  { name: 'slow: 10 MB/s', canAffect: readsBlob, fault: () => ({ kind: 'slow', rate: 10e6 }) },
  { name: 'tokens expire', canAffect: isAny, fault: () => ({ kind: 'expire-token' }) },
  { name: 'signed URLs expire', canAffect: isAny, fault: () => ({ kind: 'expire-urls' }) },
  { name: 'HTML page instead of a response', canAffect: isAny, fault: () => ({ kind: 'html' }) },
];

/**
 * Returns a rule that injects a fault at a random moment of a run: in one of the requests that it can affect, at a random byte
 * of the body. Requests of one kind may arrive in a different order from that of the run without faults: the moment
 * is random in either case.
 *
 * @param requests - Requests of a run without faults.
 */
export function chooseMoment(kind: FaultKind, requests: readonly RequestRecord[], random: () => number): FaultRule {
  const candidates = requests.filter(kind.canAffect);
  const chosen = candidates[Math.floor(random() * candidates.length)];
  if (chosen === undefined) throw new Error(`"${kind.name}" can affect no request of the run without faults`);
  const isSameKind = ({ port, method }: RequestRecord) => port === chosen.port && method === chosen.method;
  const byte = Math.floor(random() * (chosen.bytesIn || chosen.bytesOut));
  return {
    on: { port: chosen.port, method: chosen.method, path: pathPattern(chosen) },
    after: requests
      .slice(0, requests.indexOf(chosen))
      .filter((request) => isSameKind(request) && pathPattern(chosen).test(request.path)).length,
    times: kind.times ?? 1,
    fault: kind.fault(byte),
  };
}

/** Matches paths of the same kind: uploads, blobs, manifests or others. */
function pathPattern({ path }: RequestRecord): RegExp {
  if (path.includes('/blobs/uploads')) return /\/blobs\/uploads/;
  if (path.includes('/blobs/')) return /\/blobs\/(?!uploads)/;
  return path.includes('/manifests/') ? /\/manifests\// : /^(?!.*\/(?:blobs|manifests)\/)/;
}

/** Lists missing or mismatching content that tags of a repository refer to, directly or indirectly. */
export function findMissingContent(registry: TestRegistry, repository: string): string[] {
  return registry
    .tags(repository)
    .flatMap((tag) => registry.checkGraph(repository, tag).map((missing) => `${repository}:${tag}: ${missing}`));
}

/** Returns a generator of numbers from 0 (inclusive) to 1 (exclusive) that depend only on the seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
