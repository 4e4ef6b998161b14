import { join } from 'node:path';
import type { FilterEnvironment, GeneratorEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { Duration } from 'aws-cdk-lib';
import { type Alarm, Dashboard, GraphWidget, type Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { type Grant, type IGrantable, Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Code, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { createAlarms } from './builder-alarms';
import { generatorMetric } from './builder-metrics';
import { checkProps, fail } from './check-props';
import { findRepositories, repositoryNamesCode } from './indexed-repositories';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { SociIndexVersion } from './soci-index-version';
import { rules } from './synth-rules';
import { createFunction, serviceName } from './workflow-function';

const ASSETS = join(__dirname, '..', 'assets');

/** Where the functions' time goes: decisions take milliseconds, and a start less than a second. */
const FILTER_MEMORY = 256;
const FILTER_TIMEOUT = Duration.seconds(30);

/** Longest pattern of a rule, in characters. @see Amazon EventBridge User Guide, "Quotas" */
const MAX_PATTERN_LENGTH = 2048;

/** Longest that a message can lie in a queue of SQS. */
const QUEUE_RETENTION = Duration.days(14);

/**
 * Makes a SOCI index for every image that is pushed to Amazon ECR, by itself: a rule of EventBridge starts a function that
 * compares the image with filters, and that one invokes a second function, which builds the index and pushes it back to the
 * image's repository.
 *
 * Creates two functions with a role each, a rule, and what is asked for: a queue, log groups, alarms, a dashboard. With filters
 * that are known only when the stack is deployed, a third function and a custom resource.
 */
export class SociIndexBuilder extends Construct {
  /** The rule that lets in pushes of images, and of nothing else. */
  public readonly rule: Rule;

  /** The function that compares images with the filters. */
  public readonly filterFunction: LambdaFunction;

  /** The function that builds and pushes indexes. */
  public readonly generatorFunction: LambdaFunction;

  /** Where events end that failed on each try; undefined where there is no such place. */
  public readonly deadLetterQueue?: IQueue;

  /** The alarms; empty where there are none. */
  public readonly alarms: Alarm[];

  private readonly service: string;

  public constructor(scope: Construct, id: string, props: SociIndexBuilderProps = {}) {
    super(scope, id);
    checkProps(this, props);
    const repositories = findRepositories(this, props, () => this.createNamesFunction(props));
    this.service = serviceName(this);
    const queue = this.findDeadLetterQueue(props);
    if (queue !== undefined) this.deadLetterQueue = queue;

    const kinds = [
      'push',
      ...(props.replicatedImages ? ['replication'] : []),
      ...(props.cachedImages ? ['pull-through-cache'] : []),
    ];
    // Indexes of version 1 have no tags, which the filter would have to exclude.
    const outputTag = props.indexVersion?.value === 'V1' ? 'none' : (props.outputTag ?? '{tag}-soci');
    const common = { soci_event_kinds: kinds.join(','), soci_output_tag: outputTag };
    this.generatorFunction = this.createGenerator(props, common);
    const environment: FilterEnvironment = {
      soci_repository_image_tag_filters: repositories.filters,
      soci_index_generator_lambda_arn: this.generatorFunction.functionArn,
      soci_index_untagged: props.untaggedImages ? 'true' : 'false',
      ...common,
    };
    this.filterFunction = createFunction(this, {
      name: 'ECRImageActionEventFilteringLambda',
      description:
        'Compares images that are pushed to Amazon ECR with filters, and invokes the SOCI index generator for those that match.',
      code: Code.fromAsset(join(ASSETS, 'filter.zip')),
      memorySize: FILTER_MEMORY,
      timeout: FILTER_TIMEOUT,
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: this.service },
      more: queue === undefined ? {} : { deadLetterQueue: queue },
      common: props,
    });
    const mayInvoke = this.allow(
      'ECRImageActionEventFilteringLambdaInvokeSociIndexGeneratorLambdaPolicy',
      this.filterFunction,
      [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.generatorFunction.functionArn] })],
    );
    const mayPush = this.allow('SociIndexGeneratorLambdaECRRepositoryPolicy', this.generatorFunction, [
      new PolicyStatement({ actions: REPOSITORY_ACTIONS, resources: [...repositories.arns] }),
    ]);
    this.rule = this.createRule(props, kinds);
    // A push that comes while the stack is deployed is to be indexed too.
    this.rule.node.addDependency(mayInvoke, mayPush);
    this.rule.addTarget(new LambdaTarget(this.filterFunction, queue === undefined ? {} : { deadLetterQueue: queue }));
    const hasAlarms = props.alarms ?? props.alarmTopic !== undefined;
    this.alarms = hasAlarms
      ? createAlarms(this, { failed: this.metricFailed(), deadLetterQueue: queue, topic: props.alarmTopic })
      : [];
    if (props.dashboard) this.createDashboard();
  }

  /**
   * Indexes that were made and pushed.
   *
   * @default - sum over 5 minutes
   */
  public metricIndexed(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Indexed', 'Sum', options);
  }

  /**
   * Images for which there was nothing to do, or no need to.
   *
   * @default - sum over 5 minutes
   */
  public metricSkipped(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Skipped', 'Sum', options);
  }

  /**
   * Images that get no index, and would get none from trying again.
   *
   * @default - sum over 5 minutes
   */
  public metricFailed(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Failed', 'Sum', options);
  }

  /**
   * Seconds that it took to make an index.
   *
   * @default - average over 5 minutes
   */
  public metricIndexingTime(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'IndexingTime', 'Average', options);
  }

  /**
   * Allows somebody to have an image indexed, by invoking the generator with an event of Amazon ECR.
   *
   * @param grantee - Who may.
   */
  public grantIndex(grantee: IGrantable): Grant {
    return this.generatorFunction.grantInvoke(grantee);
  }

  private createGenerator(props: SociIndexBuilderProps, common: GeneratorEnvironment): LambdaFunction {
    const { eventBus, vpc, indexVersion = SociIndexVersion.V2 } = props;
    const environment: GeneratorEnvironment = {
      // A token, at times, for one of these.
      soci_index_version: indexVersion.value as 'V1' | 'V2',
      ...common,
      ...(props.minLayerSize && { soci_min_layer_size: String(props.minLayerSize.toBytes()) }),
      ...(props.spanSize && { soci_span_size: String(props.spanSize.toBytes()) }),
      ...(eventBus && { soci_event_bus: eventBus.eventBusArn }),
    };
    const generator = createFunction(this, {
      name: 'SociIndexGeneratorLambda',
      description: 'Builds a SOCI index for an image in Amazon ECR and pushes it to the repository of the image.',
      code: Code.fromAsset(join(ASSETS, 'generator.zip')),
      memorySize: props.memorySize ?? 1769,
      timeout: props.timeout ?? Duration.minutes(15),
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: this.service },
      more: {
        ...(this.deadLetterQueue && { deadLetterQueue: this.deadLetterQueue }),
        ...(props.reservedConcurrentExecutions !== undefined && {
          reservedConcurrentExecutions: props.reservedConcurrentExecutions,
        }),
        ...(vpc && { vpc }),
        ...(props.vpcSubnets && { vpcSubnets: props.vpcSubnets }),
        ...(props.securityGroups && { securityGroups: props.securityGroups }),
      },
      common: props,
    });
    const statements = [new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] })];
    this.allow('SociIndexGeneratorLambdaECRTokenPolicy', generator, statements);
    if (vpc !== undefined) {
      // What AWSLambdaVPCAccessExecutionRole allows, less the logs. EC2 knows no narrower resources for it. The function cannot
      // be made before it: the policy is the role's own.
      generator.addToRolePolicy(new PolicyStatement({ actions: NETWORK_ACTIONS, resources: ['*'] }));
    }
    eventBus?.grantPutEventsTo(generator);
    return generator;
  }

  private createRule(props: SociIndexBuilderProps, kinds: readonly string[]): Rule {
    const {
      source,
      'detail-type': detailType,
      detail,
    } = rules.eventPattern({
      kinds,
      untagged: props.untaggedImages ?? false,
    });
    const names = props.repositories?.map(({ repositoryName }) => repositoryName);
    const pattern = {
      source: [...source],
      detailType: [...detailType],
      detail: { ...detail, ...(names && { 'repository-name': names }) },
    };
    const { length } = JSON.stringify(pattern);
    if (length > MAX_PATTERN_LENGTH) {
      fail(
        this,
        'repositories',
        `the rule's pattern takes ${length} characters, and EventBridge ${MAX_PATTERN_LENGTH}: use filters with wildcards, or several builders`,
      );
    }
    return new Rule(this, 'ECRImageActionEventBridgeRule', {
      description: 'Starts the SOCI index builder for images that are pushed to Amazon ECR.',
      eventPattern: pattern,
    });
  }

  private findDeadLetterQueue({
    deadLetterQueue,
    deadLetterQueueEnabled,
    encryptionKey,
  }: SociIndexBuilderProps): IQueue | undefined {
    if (deadLetterQueue !== undefined || !deadLetterQueueEnabled) return deadLetterQueue;
    return new Queue(this, 'DeadLetterQueue', {
      retentionPeriod: QUEUE_RETENTION,
      enforceSSL: true,
      ...(encryptionKey
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
        : { encryption: QueueEncryption.SQS_MANAGED }),
    });
  }

  private createNamesFunction(props: SociIndexBuilderProps): LambdaFunction {
    return createFunction(this, {
      name: 'RepositoryNameParsingLambda',
      description:
        'Finds the repositories that the filters of a SOCI index builder are about, while its stack is deployed.',
      code: repositoryNamesCode(),
      memorySize: FILTER_MEMORY,
      timeout: FILTER_TIMEOUT,
      common: props,
    });
  }

  /** In a policy beside the role, with the name that AWS's SOCI Index Builder has for it. */
  private allow(id: string, { role }: LambdaFunction, statements: PolicyStatement[]): Policy {
    return new Policy(this, id, { roles: [role as Role], statements });
  }

  private createDashboard(): void {
    const counts = [this.metricIndexed(), this.metricSkipped(), this.metricFailed()];
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          new GraphWidget({ title: 'Images', left: counts, width: 12 }),
          new GraphWidget({ title: 'Seconds an index', left: [this.metricIndexingTime()], width: 12 }),
        ],
        [
          new GraphWidget({
            title: 'Invocations and errors of the generator',
            left: [this.generatorFunction.metricInvocations(), this.generatorFunction.metricErrors()],
            width: 12,
          }),
          new GraphWidget({
            title: 'Invocations and errors of the filter',
            left: [this.filterFunction.metricInvocations(), this.filterFunction.metricErrors()],
            width: 12,
          }),
        ],
      ],
    });
  }
}

/** What the generator does in a repository. The last one finds layers that were indexed with other images. */
const REPOSITORY_ACTIONS = [
  'ecr:BatchGetImage',
  'ecr:GetDownloadUrlForLayer',
  'ecr:CompleteLayerUpload',
  'ecr:UploadLayerPart',
  'ecr:InitiateLayerUpload',
  'ecr:BatchCheckLayerAvailability',
  'ecr:PutImage',
  'ecr:ListImages',
];

/** What Lambda does for a function in a network, in the name of its role. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];
