import type { EcrEventKind } from '@soci/filter' with { 'resolution-mode': 'import' };
import type { FilterEnvironment } from '@soci/functions' with { 'resolution-mode': 'import' };
import { Duration } from 'aws-cdk-lib';
import type { Alarm, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { type Grant, type IGrantable, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { checkProps, outputTagOf } from './check-props';
import { createGenerator } from './generator-function';
import { provideRepositories, REPOSITORY_ACTIONS } from './indexed-repositories';
import { createAlarms, createDashboard, generatorMetric } from './monitoring';
import { createPushRule, provideDeadLetterQueue } from './push-events';
import { ShippedCode } from './shipped-assets';
import type { SociIndexBuilderProps } from './soci-index-builder-props';
import { allow, createFunction, serviceName } from './workflow-function';

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

  /** The role of the function that compares images with the filters. */
  public readonly filterRole: IRole;

  /** The role of the function that builds and pushes indexes. */
  public readonly generatorRole: IRole;

  /** Where events end that failed on each try; undefined where there is no such place. */
  public readonly deadLetterQueue?: IQueue;

  /** The alarms; empty where there are none. */
  public readonly alarms: Alarm[];

  private readonly service: string;

  public constructor(scope: Construct, id: string, props: SociIndexBuilderProps = {}) {
    super(scope, id);
    checkProps(this, props);
    const repositories = provideRepositories(this, props);
    this.service = serviceName(this);
    const deadLetterQueue = provideDeadLetterQueue(this, props);
    this.deadLetterQueue = deadLetterQueue;

    const kinds: EcrEventKind[] = ['push'];
    if (props.replicatedImages) kinds.push('replication');
    if (props.cachedImages) kinds.push('pull-through-cache');
    const common = { soci_event_kinds: kinds.join(','), soci_output_tag: outputTagOf(props) };
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
      // Decisions take milliseconds, and a start less than a second.
      memorySize: 256,
      timeout: Duration.seconds(30),
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: this.service },
      deadLetterQueue,
    });
    this.filterRole = this.filterFunction.role as IRole;
    this.generatorRole = this.generatorFunction.role as IRole;
    const mayInvoke = allow(
      this,
      'ECRImageActionEventFilteringLambdaInvokeSociIndexGeneratorLambdaPolicy',
      this.filterFunction,
      [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.generatorFunction.functionArn] })],
    );
    const mayPush = allow(this, 'SociIndexGeneratorLambdaECRRepositoryPolicy', this.generatorFunction, [
      new PolicyStatement({ actions: REPOSITORY_ACTIONS, resources: [...repositories.arns] }),
    ]);
    this.rule = createPushRule(this, props, kinds);
    // A push that comes while the stack is deployed is to be indexed too.
    this.rule.node.addDependency(mayInvoke, mayPush);
    this.rule.addTarget(new LambdaTarget(this.filterFunction, { deadLetterQueue }));
    const hasAlarms = props.alarms ?? props.alarmTopic !== undefined;
    this.alarms = hasAlarms ? createAlarms(this, props.alarmTopic) : [];
    if (props.dashboard) createDashboard(this);
  }

  /** Indexes that were made and pushed. @default - sum over 5 minutes */
  public metricIndexed(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Indexed', 'Sum', options);
  }

  /** Images for which there was nothing to do, or no need to. @default - sum over 5 minutes */
  public metricSkipped(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Skipped', 'Sum', options);
  }

  /** Images that get no index, and would get none from trying again. @default - sum over 5 minutes */
  public metricFailed(options?: MetricOptions): Metric {
    return generatorMetric(this.service, 'Failed', 'Sum', options);
  }

  /** Seconds that it took to make an index. @default - average over 5 minutes */
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
}
