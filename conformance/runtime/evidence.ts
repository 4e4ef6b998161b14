import type { ProxiedRequest } from '@soci/test-runtime';
import type { IndexedLayer, LazyPull } from './session.ts';

/** What shows that an image was loaded lazily through our zTOCs. */
export interface Evidence {
  /** Number of layers that are mounted by FUSE. */
  readonly fuseMounts: number;
  /** Digests of layers that a client fetched without a range, or completely before the first read. */
  readonly fetchedWhole: readonly string[];
  /** Digests of our zTOCs that the snapshotter did not fetch. */
  readonly ztocsNotFetched: readonly string[];
  /** Failed mounts and reads, according to the snapshotter's metrics. */
  readonly failures: number;
}

/**
 * Returns the evidence of a lazy pull in the mount table, the metrics and the requests.
 *
 * @param isFetchedInBackground - Whether all spans of a layer may be fetched before the first read.
 */
export function evidenceOf(
  pull: LazyPull,
  layers: readonly IndexedLayer[],
  isFetchedInBackground: boolean = false,
): Evidence {
  const { fuseMounts, failures } = pull;
  const requests = [...pull.atStart, ...pull.whileReading];
  const lazyLayers = layers.filter(({ digest }) => digest !== undefined);
  const fetchedWhole = lazyLayers.filter(({ layer, layerSize }) => {
    const reads = requests.filter(({ method, path }) => method === 'GET' && path.endsWith(layer));
    const started = pull.atStart.filter(({ path }) => path.endsWith(layer)).reduce((sum, { bytes }) => sum + bytes, 0);
    const isComplete = started >= layerSize && !isFetchedInBackground;
    return isComplete || reads.some(({ range, status }) => range === undefined || status !== 206);
  });
  const ztocs = lazyLayers.map(({ digest = '' }) => digest);
  const isFetched = (digest: string) =>
    requests.some(({ path, status, userAgent }) => {
      return path.endsWith(digest) && status === 200 && userAgent.startsWith('soci-snapshotter/');
    });
  return {
    fuseMounts,
    failures,
    fetchedWhole: fetchedWhole.map(({ layer }) => layer),
    ztocsNotFetched: ztocs.filter((digest) => !isFetched(digest)),
  };
}

/** Returns the evidence of a pull in which every layer with a zTOC is lazy. */
export function lazyEvidence(layers: readonly IndexedLayer[]): Evidence {
  const fuseMounts = layers.filter(({ digest }) => digest !== undefined).length;
  return { fuseMounts, fetchedWhole: [], ztocsNotFetched: [], failures: 0 };
}

/** Returns the bytes of the responses. */
export function sumBytes(requests: readonly ProxiedRequest[]): number {
  return requests.reduce((sum, { bytes }) => sum + bytes, 0);
}
