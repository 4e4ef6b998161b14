import type { ZtocLimits } from '@soci/ztoc';
import type { ResolvedOptions } from '../options.ts';
import { cleanPrefetchPath } from './prefetch-spans.ts';

/** What a zTOC is built with, whatever the layer. Plain data: it goes to worker threads. */
export interface LayerSettings {
  readonly spanSize: number;
  readonly buildToolIdentifier: string;
  readonly limits: ZtocLimits;
  /** Paths to look up, cleaned. */
  readonly prefetchPaths: readonly string[];
}

/** Picks out of the options what zTOCs are built with. */
export function toLayerSettings(options: ResolvedOptions): LayerSettings {
  return {
    spanSize: options.spanSize,
    buildToolIdentifier: options.buildToolIdentifier,
    limits: options.layerLimits,
    prefetchPaths: options.prefetchFiles.map(cleanPrefetchPath),
  };
}
