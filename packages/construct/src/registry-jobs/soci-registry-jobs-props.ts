import type { Duration, Size } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IEventBus, Schedule } from 'aws-cdk-lib/aws-events';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Architecture, IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { SociIndexVersion } from '../indexing-options';
import type { SociIndexBuilder } from '../soci-index-builder';
import type { SociGarbageCollection } from './garbage-collection';

/** Properties of `SociRegistryJobs`. */
export interface SociRegistryJobsProps {
  /**
   * Builder whose generator indexes the images. Runs use its filters, output tag and index version.
   *
   * @default - `generatorFunction` indexes the images
   */
  readonly builder?: SociIndexBuilder;
  /**
   * Generator of a builder in another stack, or of the plain template. Set `filters`, `outputTag` and `indexVersion` to those of
   * the builder. Exactly one of `builder` and `generatorFunction` must be set.
   *
   * @default - the generator of `builder`
   */
  readonly generatorFunction?: IFunction;
  /**
   * Images to index, as `repository:tag` patterns, in the syntax of `SociIndexBuilder`. The generator must have access to their
   * repositories.
   *
   * @default - the filters of `builder`, or all tags of `repositories`, or all images of the registry (`*:*`)
   */
  readonly filters?: string[];
  /** Repositories whose images are listed. @default - the repositories that the filters name */
  readonly repositories?: IRepository[];
  /**
   * Finds the garbage of the repositories, and deletes it if `delete` is true. The guards are those of `soci-index gc --delete`.
   *
   * @default - runs ignore garbage
   */
  readonly garbageCollection?: SociGarbageCollection;
  /** Version of the index that the generator creates. Not with `builder`. @default SociIndexVersion.V2 */
  readonly indexVersion?: SociIndexVersion;
  /** Output tag of the generator. Not with `builder`. @default '{tag}-soci' */
  readonly outputTag?: string;
  /**
   * When runs start, with EventBridge Scheduler. If a run is still active, the next one ends immediately.
   *
   * @default - runs start only on demand
   */
  readonly schedule?: Schedule;
  /**
   * Maximum number of images that a run indexes at the same time. Every image takes 3 of the 10 manifests a second that Amazon
   * ECR accepts in a Region by default.
   *
   * @default 10
   */
  readonly maxConcurrency?: number;
  /**
   * Number of images above which a run stops before it indexes anything, unless its input has `"confirm": true`.
   *
   * @default 10000
   */
  readonly confirmAbove?: number;
  /**
   * Compressed size of the largest image that the generator gets. For larger images, the report has the command that indexes them
   * on another machine.
   *
   * @default - no limit: images for which the time of the function is not enough are reported as failed
   */
  readonly maxImageSize?: Size;
  /** Indexes only images that were pushed in this time before the run. Whole days. @default - all images */
  readonly newerThan?: Duration;
  /**
   * Bucket for plans, results and reports, below `runs/`, and for undo logs, below `undo/`. It needs lifecycle rules that expire
   * them.
   *
   * @default - a new bucket, which is encrypted, private and reachable with TLS only
   */
  readonly bucket?: IBucket;
  /**
   * Time after which plans, results and reports in the created bucket expire. Undo logs expire after a year.
   *
   * @default Duration.days(90)
   */
  readonly resultRetention?: Duration;
  /** Event bus that gets a `SOCI Run Complete` event for each run. @default - the default event bus of the account */
  readonly eventBus?: IEventBus;
  /** Processor architecture of the created functions. @default Architecture.X86_64 */
  readonly architecture?: Architecture;
  /**
   * How long logs of the created functions are kept.
   *
   * @default - log groups that Lambda creates and that never expire, unless the feature flag for managed log groups is set
   */
  readonly logRetention?: RetentionDays;
  /** Permissions boundary of all created roles. @default - no permissions boundary */
  readonly permissionsBoundary?: IManagedPolicy;
}
