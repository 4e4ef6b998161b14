import type { JobsEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { ArnFormat, Duration, Stack, Tokenization } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { type Grant, type IGrantable, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { outputTagOf } from '../check-props';
import { type IndexedRepositories, resolveRepositories } from '../indexed-repositories';
import { generatorMetric } from '../monitoring';
import { serviceName } from '../workflow-function';
import { checkJobsProps, DEFAULT_CONFIRM_ABOVE, DEFAULT_MAX_CONCURRENCY } from './check-jobs-props';
import { defineStateMachine } from './definition';
import type { SociGarbageCollection } from './garbage-collection';
import { createJobFunctions, type JobFunctions, runsArn } from './job-functions';
import type { SociRegistryJobsProps } from './soci-registry-jobs-props';

/** Default time after which results expire. */
const RESULT_RETENTION = Duration.days(90);

/** Time after which undo logs expire. Registries do not keep the blobs of deleted manifests for longer. */
const UNDO_RETENTION = Duration.days(365);

/**
 * Indexes the images that a registry already has, and finds images whose index is missing or outdated because an event was lost
 * or a tag was moved. An AWS Step Functions state machine lists the repositories, compares images with their indexes, invokes the
 * generator of a `SociIndexBuilder` for the images without a current index, and writes a report. With `garbageCollection`, it also
 * finds and deletes what images leave behind.
 *
 * Creates a state machine, four functions (five with `garbageCollection`), a role for each of them, a bucket, and optionally a schedule.
 */
export class SociRegistryJobs extends Construct {
  /** State machine. Each execution is a run. */
  public readonly stateMachine: StateMachine;

  /** Bucket with the plan, the results and the report of each run, below `runs/NAME/`. */
  public readonly bucket: IBucket;

  /** Function that writes the names of the repositories. */
  public readonly planFunction: LambdaFunction;

  /** Function that compares the images of a repository with their indexes. */
  public readonly listFunction: LambdaFunction;

  /** Function that merges the plans of the repositories. */
  public readonly mergeFunction: LambdaFunction;

  /** Function that writes the report. */
  public readonly reportFunction: LambdaFunction;

  /** Function that finds and deletes garbage. Undefined without `garbageCollection`. */
  public readonly collectFunction?: LambdaFunction;

  private readonly service: string;

  public constructor(scope: Construct, id: string, props: SociRegistryJobsProps) {
    super(scope, id);
    const generator = checkJobsProps(this, props);
    this.service = serviceName(this);
    const { repositories, outputTag, version } = indexingOf(this, props);
    this.bucket = props.bucket ?? createBucket(this, props.resultRetention);
    const eventBus = props.eventBus ?? EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    const environment = environmentOf(props, repositories.filters, outputTag, version, this.bucket, eventBus);
    const { architecture, logRetention, permissionsBoundary } = props;
    const functions = createJobFunctions(this, {
      common: { architecture, logRetention, permissionsBoundary },
      environment,
      service: this.service,
      bucket: this.bucket,
      eventBus,
      repositoryArns: repositories.arns,
      garbageCollection: props.garbageCollection,
    });
    if (functions.collect !== undefined) this.collectFunction = functions.collect;
    ({
      plan: this.planFunction,
      list: this.listFunction,
      merge: this.mergeFunction,
      report: this.reportFunction,
    } = functions);
    this.stateMachine = createStateMachine(this, props, functions, generator, this.bucket);
    if (props.schedule !== undefined) createSchedule(this, props, this.stateMachine);
  }

  /** Grants permission to start a run. @param grantee - Principal that gets the permission. */
  public grantStart(grantee: IGrantable): Grant {
    return this.stateMachine.grantStartExecution(grantee);
  }

  /** Number of images without an index that runs found. @default - sum over 5 minutes */
  public metricMissing(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Missing', 'Sum', options);
  }

  /** Number of images with an outdated index that runs found. @default - sum over 5 minutes */
  public metricStale(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Stale', 'Sum', options);
  }

  /** Number of manifests of garbage that runs found. @default - sum over 5 minutes */
  public metricGarbage(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Garbage', 'Sum', options);
  }

  /** Number of manifests that runs deleted. @default - sum over 5 minutes */
  public metricDeleted(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Deleted', 'Sum', options);
  }
}

/** Filters, output tag and index version of the runs. */
interface JobsIndexing {
  readonly repositories: IndexedRepositories;
  readonly outputTag: string;
  readonly version: string;
}

function indexingOf(scope: Construct, props: SociRegistryJobsProps): JobsIndexing {
  const { builder, filters, repositories, indexVersion, permissionsBoundary, architecture, logRetention } = props;
  if (builder !== undefined && filters === undefined && repositories === undefined) return builder._indexing;
  const { outputTag, version } = builder?._indexing ?? {
    outputTag: outputTagOf({ indexVersion, outputTag: props.outputTag }),
    version: indexVersion?.value ?? 'V2',
  };
  const common = { permissionsBoundary, architecture, logRetention };
  return {
    outputTag,
    version,
    repositories: resolveRepositories(scope, { ...common, filters, repositories, outputTag }),
  };
}

function environmentOf(
  { maxImageSize, newerThan, confirmAbove, garbageCollection }: SociRegistryJobsProps,
  filters: string,
  outputTag: string,
  version: string,
  bucket: IBucket,
  eventBus: IEventBus,
): JobsEnvironment {
  return {
    soci_bucket: bucket.bucketName,
    soci_repository_image_tag_filters: filters,
    // Can be a token for one of these values.
    soci_index_version: version as 'V1' | 'V2',
    soci_output_tag: outputTag,
    soci_event_bus: eventBus.eventBusArn,
    soci_confirm_above: Tokenization.stringifyNumber(confirmAbove ?? DEFAULT_CONFIRM_ABOVE),
    ...(maxImageSize && { soci_max_image_size: String(maxImageSize.toBytes()) }),
    ...(newerThan && { soci_newer_than_days: String(newerThan.toDays()) }),
    ...(garbageCollection && garbageEnvironment(garbageCollection)),
  };
}

function garbageEnvironment({ clusters, otherImagesInUse, olderThan, delete: deletes }: SociGarbageCollection) {
  return {
    soci_garbage: deletes === true ? 'delete' : 'report',
    soci_in_use_elsewhere: otherImagesInUse.value,
    ...(olderThan && { soci_garbage_older_than_days: String(olderThan.toDays()) }),
    ...(clusters && { soci_in_use_clusters: clusters.map(({ clusterArn }) => clusterArn).join(',') }),
  } as Partial<JobsEnvironment>;
}

function createBucket(scope: Construct, retention: Duration = RESULT_RETENTION): Bucket {
  return new Bucket(scope, 'Bucket', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [
      { prefix: 'runs/', expiration: retention, abortIncompleteMultipartUploadAfter: Duration.days(1) },
      { prefix: 'undo/', expiration: UNDO_RETENTION },
    ],
  });
}

function createStateMachine(
  scope: Construct,
  { maxConcurrency = DEFAULT_MAX_CONCURRENCY, permissionsBoundary }: SociRegistryJobsProps,
  { plan, list, merge, report, collect }: JobFunctions,
  generator: IFunction,
  bucket: IBucket,
): StateMachine {
  const role = new Role(scope, 'StateMachineRole', {
    assumedBy: new ServicePrincipal('states.amazonaws.com'),
    permissionsBoundary,
  });
  const definition = defineStateMachine({
    Bucket: bucket.bucketName,
    CollectFunction: collect?.functionArn,
    GeneratorFunction: generator.functionArn,
    ListFunction: list.functionArn,
    MaxConcurrency: Tokenization.stringifyNumber(maxConcurrency),
    MergeFunction: merge.functionArn,
    PlanFunction: plan.functionArn,
    ReportFunction: report.functionArn,
  });
  const created = new StateMachine(scope, 'StateMachine', {
    comment: 'Indexes the images of a registry that have no current SOCI index.',
    definitionBody: DefinitionBody.fromString(definition),
    role,
  });
  // Of the state machine itself, and of the children of its maps.
  const [runs, children] = [':*', '/*'].map((suffix) =>
    Stack.of(scope).formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${created.stateMachineName}${suffix}`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  ) as [string, string];
  const statement = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources });
  new Policy(scope, 'StateMachinePolicy', {
    roles: [role],
    statements: [
      statement(
        ['lambda:InvokeFunction'],
        ...[plan, list, merge, report, generator, ...(collect ? [collect] : [])].map(({ functionArn }) => functionArn),
      ),
      // A Distributed Map reads its items, starts child executions, and writes their results.
      // @see AWS Step Functions Developer Guide, "IAM policies for using Distributed Map states"
      statement(
        ['s3:GetObject', 's3:PutObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
        runsArn(bucket),
      ),
      statement(['states:StartExecution', 'states:ListExecutions'], created.stateMachineArn),
      statement(['states:DescribeExecution', 'states:StopExecution'], runs, children),
      statement(['states:RedriveExecution'], children),
    ],
  });
  return created;
}

function createSchedule(
  scope: Construct,
  { schedule, permissionsBoundary }: SociRegistryJobsProps,
  stateMachine: StateMachine,
): void {
  const role = new Role(scope, 'ScheduleRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com'),
    permissionsBoundary,
  });
  new Policy(scope, 'SchedulePolicy', {
    roles: [role],
    statements: [
      new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachine.stateMachineArn] }),
    ],
  });
  new CfnSchedule(scope, 'Schedule', {
    description: 'Starts a run of the SOCI registry jobs.',
    scheduleExpression: schedule?.expressionString ?? '',
    flexibleTimeWindow: { mode: 'OFF' },
    target: { arn: stateMachine.stateMachineArn, roleArn: role.roleArn, input: '{}' },
  });
}
