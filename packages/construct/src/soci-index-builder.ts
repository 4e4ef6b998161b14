import type { EcrEventKind } from '@soci/filter' with { 'resolution-mode': 'import' };
import type { FilterEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { Duration } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import type { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { IEventBus, OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import {
  ArnPrincipal,
  type Grant,
  type IGrantable,
  type IRole,
  type Policy,
  PolicyDocument,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { checkProps, outputTagOf } from './check-props';
import { createGenerator } from './generator-function';
import { onIndexEvent } from './index-events';
import { indexedContainerImage } from './indexed-container-image';
import {
  GENERATOR_ACTIONS,
  type IndexedRepositories,
  memberAccountsOf,
  resolveRepositories,
} from './indexed-repositories';
import { createAlarms, createDashboard, createQueueAlarms, generatorMetric } from './monitoring';
import { createPushRule, resolveDeadLetterQueue } from './push-events';
import { ShippedCode } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { connectFilter, connectGenerator, createWorkQueue } from './work-queue';
import { addPolicy, createFunction, serviceName } from './workflow-function';

/**
 * Automatically creates a SOCI index for each image that is pushed to Amazon ECR. An EventBridge rule invokes a function that
 * compares the image with filters. For matches, that function invokes the generator function, directly or through a queue. The
 * generator builds the index and pushes it to the repository of the image.
 *
 * Creates a rule, two functions, a role for each function, and optionally queues, log groups, alarms and a dashboard. If the
 * filters are tokens, it also creates a third function and a custom resource.
 */
export class SociIndexBuilder extends Construct {
  /** Rule that matches pushes of images. */
  public readonly rule: Rule;

  /** Function that compares images with the filters. */
  public readonly filterFunction: LambdaFunction;

  /** Function that builds and pushes indexes. */
  public readonly generatorFunction: LambdaFunction;

  /** Role of the function that compares images with the filters. */
  public readonly filterRole: IRole;

  /** Role of the function that builds and pushes indexes. */
  public readonly generatorRole: IRole;

  /** Dead-letter queue, if configured. */
  public readonly deadLetterQueue?: IQueue;

  /** Queue of events for the generator, if configured. Its `deadLetterQueue` has the events that failed five times. */
  public readonly queue?: Queue;

  /** Alarms, if configured; otherwise empty. */
  public readonly alarms: Alarm[];

  /** What `SociRegistryJobs` must know about the indexes. @internal */
  public readonly _indexing: {
    readonly repositories: IndexedRepositories;
    readonly outputTag: string;
    readonly version: string;
  };

  private readonly service: string;
  private readonly eventBus?: IEventBus;

  public constructor(scope: Construct, id: string, props: SociIndexBuilderProps = {}) {
    super(scope, id);
    checkProps(this, props);
    const repositories = resolveRepositories(this, props);
    this._indexing = { repositories, outputTag: outputTagOf(props), version: props.indexVersion?.value ?? 'V2' };
    this.service = serviceName(this);
    this.eventBus = props.eventBus;
    const deadLetterQueue = resolveDeadLetterQueue(this, props);
    this.deadLetterQueue = deadLetterQueue;

    const queue = props.queue ? createWorkQueue(this, props) : undefined;
    this.queue = queue;

    const memberAccounts = memberAccountsOf(props);
    const kinds: EcrEventKind[] = ['push'];
    if (props.replicatedImages) kinds.push('replication');
    if (props.cachedImages) kinds.push('pull-through-cache');
    const common = {
      soci_event_kinds: kinds.join(','),
      soci_output_tag: outputTagOf(props),
      ...(memberAccounts && { soci_member_accounts: memberAccounts }),
      ...(queue && { soci_queue_url: queue.queueUrl }),
    };
    this.generatorFunction = createGenerator(this, props, common, this.service, deadLetterQueue);
    const environment: FilterEnvironment = {
      soci_repository_image_tag_filters: repositories.filters,
      soci_index_generator_lambda_arn: this.generatorFunction.functionArn,
      soci_index_untagged: props.untaggedImages ? 'true' : 'false',
      ...common,
    };
    this.filterFunction = createFunction(this, 'ECRImageActionEventFilteringLambda', props, {
      description:
        'Compares images that are pushed to Amazon ECR with filters, and invokes the SOCI index generator for those that match.',
      code: new ShippedCode('filter.zip'),
      // An invocation takes milliseconds, a cold start less than a second.
      memorySize: 256,
      timeout: Duration.seconds(30),
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: this.service },
      deadLetterQueue,
    });
    this.filterRole = this.filterFunction.role as IRole;
    this.generatorRole = this.generatorFunction.role as IRole;
    if (queue === undefined) {
      this.filterFunction.node.addDependency(allowInvoke(this));
    } else {
      connectFilter(this, queue, this.filterFunction);
      connectGenerator(this, queue, this.generatorFunction, props.maxConcurrency);
    }
    const mayPush = addPolicy(this, 'SociIndexGeneratorLambdaECRRepositoryPolicy', this.generatorFunction, [
      new PolicyStatement({ actions: GENERATOR_ACTIONS, resources: [...repositories.arns] }),
    ]);
    this.rule = createPushRule(this, props, kinds);
    // Images that are pushed during the deployment must be indexed too.
    this.rule.node.addDependency(mayPush);
    this.rule.addTarget(new LambdaTarget(this.filterFunction, { deadLetterQueue }));
    const hasAlarms = props.alarms ?? props.alarmTopic !== undefined;
    this.alarms = hasAlarms ? createAlarms(this, props.alarmTopic) : [];
    if (queue !== undefined && props.alarms !== false)
      this.alarms.push(...createQueueAlarms(this, queue, props.alarmTopic));
    if (props.dashboard) createDashboard(this);
  }

  /** Number of indexes that were created and pushed. @default - sum over 5 minutes */
  public metricIndexed(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Indexed', 'Sum', options);
  }

  /** Number of images that did not need an index. @default - sum over 5 minutes */
  public metricSkipped(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Skipped', 'Sum', options);
  }

  /** Number of images that could not be indexed, and for which a retry would not help. @default - sum over 5 minutes */
  public metricFailed(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Failed', 'Sum', options);
  }

  /** Time to create an index, in seconds. @default - average over 5 minutes */
  public metricIndexingTime(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'IndexingTime', 'Average', options);
  }

  /**
   * Returns the container image to run for an image that is pushed and that this builder indexes: its SOCI-enabled image, or for
   * `SociIndexVersion.V1` the pushed image. The index must exist when the task starts, about a minute after the push. If one stack
   * pushes and runs the image, use `SociIndexedImage` instead.
   *
   * @param repository - Repository of the image.
   * @param tag - Tag that is pushed, such as `v1`. With the default `outputTag`, the container runs `v1-soci`.
   */
  public sociImage(repository: IRepository, tag: string): ContainerImage {
    return indexedContainerImage(this, this._indexing, repository, tag);
  }

  /**
   * Creates a rule for `SOCI Index Ready` events: an index was created. Requires `eventBus`. If several builders use the bus, the
   * rule matches the events of all of them.
   *
   * @param id - Id of the rule.
   * @param options - Target, and further conditions for the event, such as the name of the repository.
   */
  public onIndexed(id: string, options: OnEventOptions = {}): Rule {
    return onIndexEvent(this, this.eventBus, 'SOCI Index Ready', id, options);
  }

  /**
   * Creates a rule for `SOCI Index Failed` events: an image cannot be indexed, and a retry would not help. Requires `eventBus`. If
   * several builders use the bus, the rule matches the events of all of them. An event that failed on each attempt is in the
   * dead-letter queue instead.
   *
   * @param id - Id of the rule.
   * @param options - Target, and further conditions for the event.
   */
  public onFailed(id: string, options: OnEventOptions = {}): Rule {
    return onIndexEvent(this, this.eventBus, 'SOCI Index Failed', id, options);
  }

  /**
   * Grants permission to index an image by invoking the generator with an event of Amazon ECR.
   *
   * @param grantee - Principal that gets the permission.
   */
  public grantIndex(grantee: IGrantable): Grant {
    return this.generatorFunction.grantInvoke(grantee);
  }

  /**
   * Returns the policy that the repositories of member accounts need. It lets the generator pull images and push indexes. Set it in
   * each member account, for example with `aws ecr set-repository-policy`.
   */
  public memberRepositoryPolicy(): PolicyDocument {
    const statement = new PolicyStatement({
      sid: 'SociIndexBuilder',
      principals: [new ArnPrincipal(this.generatorRole.roleArn)],
      actions: GENERATOR_ACTIONS,
    });
    return new PolicyDocument({ statements: [statement] });
  }
}

/** Lets the filter function of a builder invoke its generator. */
function allowInvoke(builder: SociIndexBuilder): Policy {
  const id = 'ECRImageActionEventFilteringLambdaInvokeSociIndexGeneratorLambdaPolicy';
  return addPolicy(builder, id, builder.filterFunction, [
    new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [builder.generatorFunction.functionArn] }),
  ]);
}
