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
   * Images to index, as `repository:tag` patterns. `*` matches any characters, `?` one character, `[a-z]` one character of a
   * set. A leading `!` excludes the images that the filter matches. The output tags are always excluded.
   *
   * The list can be a token, such as a parameter value. A custom resource then finds the repositories during deployment.
   *
   * @default - all tags of `repositories`, or all images of the registry (`*:*`) if `repositories` is not set
   */
  readonly filters?: string[];
  /**
   * Repositories whose images are indexed, in the Region of the stack, and in its account or a member account. The generator may access only these
   * repositories, and only their events invoke the filter function.
   *
   * @default - the repositories that the filters name
   */
  readonly repositories?: IRepository[];
  /**
   * Tag of the SOCI-enabled image: text with `{tag}` (tag of the original image) or `{digest12}` (first 12 digits of its
   * digest), or `none`. Ignored for version 1.
   *
   * @default '{tag}-soci'
   */
  readonly outputTag?: string;
  /**
   * Whether to index images that are pushed without a tag. Requires an `outputTag` without `{tag}`, or version 1.
   *
   * @default false
   */
  readonly untaggedImages?: boolean;
  /** Whether to index images that are replicated from another Region or account. @default false */
  readonly replicatedImages?: boolean;
  /** Whether to index images that are pulled through a cache. @default false */
  readonly cachedImages?: boolean;
  /**
   * Ids of further accounts whose images are indexed, 12 digits each. These accounts forward their events to the event bus of the
   * rule, and their repositories need `memberRepositoryPolicy()`. Events of other accounts are ignored.
   *
   * @default - only images of the account of the stack
   */
  readonly memberAccounts?: string[];
  /**
   * Event bus that the rule listens on, to which member accounts forward their events. Amazon ECR sends events only to the default
   * event bus, so a rule on another bus gets only events that are forwarded, also from the account of the stack.
   *
   * @default - the default event bus of the account
   */
  readonly pushEventBus?: IEventBus;
  /**
   * Maximum number of images that are indexed at the same time, reserved from the account's concurrency. Other images wait.
   *
   * @default - no reserved concurrency
   */
  readonly reservedConcurrentExecutions?: number;
  /**
   * Whether events wait in an Amazon SQS queue instead of the event queue of Lambda. Events then wait up to 14 days instead of 6
   * hours, `maxConcurrency` limits how many images are indexed at the same time, and events that failed five times are in a
   * dead-letter queue from which you can redrive them. Use it if many images are pushed at the same time.
   *
   * If you set it to false later, or delete the stack, the queues and their event source mapping remain, because events in the queue
   * would be lost. The mapping empties the queue as long as the generator exists.
   *
   * @default false
   */
  readonly queue?: boolean;
  /**
   * Maximum number of images from the queue that are indexed at the same time, 2 to 1,000. Each image takes about three manifests of
   * the PutImage quota of the Region. Requires `queue`.
   *
   * @default 10
   */
  readonly maxConcurrency?: number;
  /**
   * KMS key for the environment variables of the functions and for the created queues. The construct adds a statement
   * to the key policy that lets EventBridge write to the dead-letter queue. If the key is imported, you must add it. The key is not used for
   * log groups, which need another statement in the key policy.
   *
   * @default - keys that AWS manages
   */
  readonly encryptionKey?: IKey;
  /**
   * VPC that the generator runs in. Without internet access, it needs interface endpoints for `ecr.api`, `ecr.dkr` and (with
   * `eventBus`) `events`, and a gateway endpoint for Amazon S3, which stores the layers.
   *
   * @default - the generator does not run in a VPC
   */
  readonly vpc?: IVpc;
  /** Subnets of the VPC. @default - private subnets with internet access, or isolated subnets if none exist */
  readonly vpcSubnets?: SubnetSelection;
  /** Security groups of the generator in the VPC. @default - a new security group */
  readonly securityGroups?: ISecurityGroup[];
  /**
   * Whether to keep events that failed on all attempts in a dead-letter queue. With `queue`, it gets events that were not queued;
   * the queue has another dead-letter queue.
   *
   * @default - true if `deadLetterQueue` is set, otherwise false
   */
  readonly deadLetterQueueEnabled?: boolean;
  /**
   * Dead-letter queue, a standard queue. The policy of an imported queue must let EventBridge write to it.
   *
   * @default - a new queue if `deadLetterQueueEnabled` is true
   */
  readonly deadLetterQueue?: IQueue;
  /**
   * Whether to create two alarms: one for images that could not be indexed, one for events that failed on all attempts. The
   * latter watches the dead-letter queue. Without a dead-letter queue, it watches for three errors of the functions within 15
   * minutes. With `queue`, two more alarms watch the age of its events and its dead-letter queue.
   *
   * @default - true if `alarmTopic` is set, otherwise only the alarms of `queue`
   */
  readonly alarms?: boolean;
  /** Topic that alarms notify. @default - no notifications */
  readonly alarmTopic?: ITopic;
  /** Whether to create a dashboard of indexed, skipped and failed images. @default false */
  readonly dashboard?: boolean;
  /** AWS X-Ray tracing mode. @default Tracing.DISABLED */
  readonly tracing?: Tracing;
  /**
   * Event bus that gets a `SOCI Index Ready` event for each index, and a `SOCI Index Failed` event for each image that cannot be
   * indexed. It can be the default or a custom bus. `onIndexed` and `onFailed` create rules for them.
   *
   * @default - no events
   */
  readonly eventBus?: IEventBus;
}
