import type { Descriptor } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { Log } from '../logger.ts';
import type { BuildProgress } from './build-progress.ts';

/** An image that is to be indexed, and what that takes. */
export interface IndexJob {
  /** The image's manifest or image index. */
  readonly image: Descriptor;
  /** Its own tag, which must still name it when the index is named; undefined where it has none. */
  readonly tag: string | undefined;
  /** The repository that it is in, and that its index goes to. */
  readonly repository: Repository;
  readonly settings: GeneratorSettings;
  readonly log: Log;
  readonly progress: BuildProgress;
  /** Aborted when the time is nearly over. */
  readonly signal: AbortSignal;
}
