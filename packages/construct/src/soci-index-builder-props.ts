import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Tracing } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { IndexingOptions } from './indexing-options';

/** Properties of `SociIndexBuilder`. */
export interface SociIndexBuilderProps extends IndexingOptions {
  /**
   * Which images are indexed: `repository:tag`, each part with `*` for any characters, `?` for one, `[a-z]` for one of a set. A
   * `!` in front excludes what the filter matches. Tags of the indexes themselves are always excluded.
   *
   * May be the list of a parameter. The repositories are then found when the stack is deployed, by a custom resource.
   *
   * @default - every tag of `repositories`; without those every image of the registry, `*:*`
   */
  readonly filters?: string[];
  /**
   * Repositories that images are indexed in, of the account and Region of the stack. The generator may access these alone, and
   * only their events start the filter.
   *
   * @default - the repositories that the filters name
   */
  readonly repositories?: IRepository[];
  /**
   * Tag of a SOCI-enabled image: text with `{tag}`, the image's own tag, and `{digest12}`, the first 12 digits of its digest; or
   * `none`. Not used with version 1.
   *
   * @default '{tag}-soci'
   */
  readonly outputTag?: string;
  /**
   * Whether images that were pushed without a tag are indexed too. Takes an `outputTag` without `{tag}`, or version 1.
   *
   * @default false
   */
  readonly untaggedImages?: boolean;
  /** Whether images are indexed that came by replication from another Region or account. @default false */
  readonly replicatedImages?: boolean;
  /** Whether images are indexed that came through a pull-through cache. @default false */
  readonly cachedImages?: boolean;
  /**
   * Images that are indexed at a time, at most; others wait. Taken from the concurrency of the account.
   *
   * @default - as many as the account allows
   */
  readonly reservedConcurrentExecutions?: number;
  /**
   * Key that the environment of the functions, and a queue that is made here, are encrypted with. Its policy gets a statement for
   * EventBridge to write to that queue; that of a key which is imported must have it. Log groups keep the key of AWS: one of
   * yours takes a statement in its policy for the service.
   *
   * @default - keys of AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * Network that the generator runs in. Without internet access it takes endpoints for `ecr.api`, `ecr.dkr`, `events` where an
   * event bus is told, and a gateway endpoint for S3, where layers lie.
   *
   * @default - none of yours
   */
  readonly vpc?: IVpc;
  /** Subnets of the network. @default - private ones with a way to the internet; where there are none, isolated ones */
  readonly vpcSubnets?: SubnetSelection;
  /** Security groups of the generator in the network. @default - one is made */
  readonly securityGroups?: ISecurityGroup[];
  /**
   * Whether events that failed on each try are kept in a queue that is made here.
   *
   * @default - true where `deadLetterQueue` is given, else false
   */
  readonly deadLetterQueueEnabled?: boolean;
  /**
   * Queue for events that failed on each try: a standard one. A queue that is imported must let EventBridge write to it.
   *
   * @default - one is made where `deadLetterQueueEnabled` is true
   */
  readonly deadLetterQueue?: IQueue;
  /**
   * Whether there is to be an alarm for images that get no index, and one for events that failed on each try: messages in the
   * dead-letter queue or, where there is none, three errors of the functions within a quarter of an hour.
   *
   * @default - true where `alarmTopic` is given, else false
   */
  readonly alarms?: boolean;
  /** Who is told of alarms. @default - nobody */
  readonly alarmTopic?: ITopic;
  /** Whether there is to be a dashboard of what was indexed, left out and failed. @default false */
  readonly dashboard?: boolean;
  /** Tracing by AWS X-Ray. @default Tracing.DISABLED */
  readonly tracing?: Tracing;
  /** Event bus that is told of each index, by an event `SOCI Index Ready`. @default - nobody is told */
  readonly eventBus?: IEventBus;
}
