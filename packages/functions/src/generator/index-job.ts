import type { Repository } from '@soci/ecr';
import type { EcrEvent } from '@soci/filter';
import type { Descriptor } from '@soci/oci';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import type { Log } from '../telemetry/logger.ts';
import type { BuildProgress } from './build-progress.ts';

/** An image that is to be indexed, and what that takes. */
export interface IndexJob {
  /** What was pushed. */
  readonly event: EcrEvent;
  /** Its manifest or image index. */
  readonly image: Descriptor;
  /** The repository that it is in, and that its index goes to. */
  readonly repository: Repository;
  readonly settings: GeneratorSettings;
  readonly log: Log;
  readonly progress: BuildProgress;
  /** Aborted when the time is nearly over. */
  readonly signal: AbortSignal;
}
