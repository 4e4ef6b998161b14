import { SociImagesInUse, SociIndexVersion, SociRegistryJobs } from '@soci/construct';
import {
  App,
  Aws,
  CfnCondition,
  CfnOutput,
  CfnParameter,
  type CfnResource,
  CfnRule,
  DefaultStackSynthesizer,
  Fn,
  type ICfnConditionExpression,
  Stack,
} from 'aws-cdk-lib';
import { Cluster } from 'aws-cdk-lib/aws-ecs';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { DEFAULT_PREFIX, FUNCTION_KEYS, type FunctionKeys } from './function-keys.ts';
import { FILTER_PATTERN, MAX_OUTPUT_TAG, OUTPUT_TAG_PATTERN } from './parameters/indexing.ts';
import { BUCKET_PATTERN, PREFIX_PATTERN } from './parameters/resources.ts';
import { applyBoundary, boundaryParameter } from './parameters/security.ts';

const DESCRIPTION =
  'SOCI registry jobs: a state machine that indexes the images that Amazon ECR already has, with the generator of a SOCI index builder, and finds images whose index is missing or outdated.';

/** Returns the plain template of `SociRegistryJobs`. It uses the generator of a deployed builder. */
export function jobsTemplate(keys: FunctionKeys = FUNCTION_KEYS): object {
  const app = new App({ analyticsReporting: false });
  const { artifactId } = createJobsStack(app, keys);
  return app.synth().getStackArtifact(artifactId).template as object;
}

/** Creates the stack of the template. */
export function createJobsStack(app: App, keys: FunctionKeys = FUNCTION_KEYS): Stack {
  const stack = new Stack(app, 'SociRegistryJobs', {
    description: DESCRIPTION,
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
  const jobs = createJobs(stack);
  applyCode(stack, jobs, keys);
  return stack;
}

function createJobs(stack: Stack): SociRegistryJobs {
  const generator = new CfnParameter(stack, 'GeneratorFunction', {
    allowedPattern: '^[a-zA-Z0-9_-]{1,64}$',
    constraintDescription: 'Must be the name of a function.',
    description: "Name of the generator function: output GeneratorFunction of the builder's stack.",
  });
  const filters = new CfnParameter(stack, 'SociRepositoryImageTagFilters', {
    type: 'CommaDelimitedList',
    default: '*:*',
    allowedPattern: FILTER_PATTERN,
    description:
      'Images to index: comma-separated list of repository:tag filters, as in the stack of the builder. The generator must have access to their repositories.',
  });
  const version = new CfnParameter(stack, 'SociIndexVersion', {
    default: 'V2',
    allowedValues: ['V1', 'V2'],
    description: 'Version of the index, as in the stack of the builder.',
  });
  const outputTag = new CfnParameter(stack, 'SociOutputTag', {
    default: '{tag}-soci',
    allowedPattern: OUTPUT_TAG_PATTERN,
    maxLength: MAX_OUTPUT_TAG,
    description: 'Tag of SOCI-enabled images, as in the stack of the builder. Ignored for V1.',
  });
  const schedule = new CfnParameter(stack, 'Schedule', {
    default: '',
    allowedPattern: '^$|^(rate|cron)[(].+[)]$',
    maxLength: 256,
    constraintDescription: 'Must be rate(...), cron(...), or empty.',
    description: 'When runs start, such as rate(1 day). Empty: runs start only on demand.',
  });
  const concurrency = new CfnParameter(stack, 'MaxConcurrency', {
    type: 'Number',
    default: 10,
    minValue: 1,
    maxValue: 10_000,
    description:
      'Maximum number of images that a run indexes at the same time. Raise it together with the Amazon ECR quota for PutImage.',
  });
  const confirmAbove = new CfnParameter(stack, 'ConfirmAbove', {
    type: 'Number',
    default: 10_000,
    minValue: 0,
    maxValue: 1_000_000_000,
    description:
      'Number of images above which a run stops before it indexes anything, unless its input has "confirm": true.',
  });
  const maxImageSize = new CfnParameter(stack, 'MaxImageSize', {
    default: '',
    allowedPattern: '^([1-9][0-9]{0,14})?$',
    constraintDescription: 'Must be a number of bytes, or empty.',
    description:
      'Compressed bytes of the largest image that the generator gets. The report has the commands that index larger ones on another machine. Empty: no limit.',
  });
  const garbage = new CfnParameter(stack, 'GarbageCollection', {
    default: 'off',
    allowedValues: ['off', 'report', 'delete'],
    description:
      'What runs do with garbage: SOCI-enabled images whose source image is gone, and what moved tags left behind. report: list it. delete: also delete it. Undo logs are in the bucket.',
  });
  const clusters = new CfnParameter(stack, 'EcsClusters', {
    default: '',
    allowedPattern: '^([a-zA-Z0-9_-]{1,255}(,[a-zA-Z0-9_-]{1,255})*)?$',
    constraintDescription: 'Must be a comma-separated list of names of clusters, or empty.',
    description:
      'Amazon ECS clusters in the account and Region of the stack whose images are kept: comma-separated list of names.',
  });
  const otherInUse = new CfnParameter(stack, 'OtherImagesInUse', {
    default: '',
    allowedValues: ['', 'lists', 'none'],
    description:
      'Images in use outside of EcsClusters. lists: objects below in-use/ of the bucket name them, written within 24 hours. none: no other image is in use. Required for report and delete.',
  });
  const garbageAge = new CfnParameter(stack, 'GarbageOlderThan', {
    type: 'Number',
    default: 30,
    minValue: 0,
    maxValue: 36_500,
    description: 'Days for which garbage is kept after its push.',
  });
  const makesNoTags = new CfnCondition(stack, 'MakesNoTags', {
    expression: Fn.conditionEquals(version.valueAsString, 'V1'),
  });
  const jobs = new SociRegistryJobs(stack, 'SociRegistryJobs', {
    generatorFunction: LambdaFunction.fromFunctionName(stack, 'Generator', generator.valueAsString),
    filters: filters.valueAsList,
    indexVersion: SociIndexVersion.of(version.valueAsString),
    outputTag: Fn.conditionIf(makesNoTags.logicalId, 'none', outputTag.valueAsString).toString(),
    schedule: Schedule.expression(schedule.valueAsString),
    maxConcurrency: concurrency.valueAsNumber,
    confirmAbove: confirmAbove.valueAsNumber,
    garbageCollection: {
      clusters: [Cluster.fromClusterArn(stack, 'Clusters', `arn:${Aws.PARTITION}:ecs:*:*:cluster/*`)],
      otherImagesInUse: SociImagesInUse.LISTED,
      delete: true,
    },
  });
  applyGarbageCollection(stack, jobs, { garbage, clusters, otherInUse, garbageAge });
  jobs.listFunction.addEnvironment('soci_max_image_size', maxImageSize.valueAsString);
  applySchedule(stack, jobs, schedule);
  applyBoundary(stack, jobs, boundaryParameter(stack));
  new CfnOutput(stack, 'StateMachine', {
    value: jobs.stateMachine.stateMachineArn,
    description: 'State machine. Each execution is a run.',
  });
  new CfnOutput(stack, 'Bucket', {
    value: jobs.bucket.bucketName,
    description: 'Bucket with the report of each run: runs/NAME/report.json.',
  });
  return jobs;
}

/** Parameters of the garbage collection. */
type GarbageParameters = Readonly<Record<'garbage' | 'clusters' | 'otherInUse' | 'garbageAge', CfnParameter>>;

/** Makes the parameters decide what the functions do with garbage, and gives them only the permissions for it. */
function applyGarbageCollection(
  stack: Stack,
  jobs: SociRegistryJobs,
  { garbage, clusters, otherInUse, garbageAge }: GarbageParameters,
): void {
  for (const each of functionsOf(jobs)) {
    each.addEnvironment('soci_garbage', garbage.valueAsString);
    each.addEnvironment('soci_in_use_clusters', clusters.valueAsString);
    each.addEnvironment('soci_in_use_elsewhere', otherInUse.valueAsString);
    each.addEnvironment('soci_garbage_older_than_days', garbageAge.valueAsString);
  }
  const isOff = Fn.conditionEquals(garbage.valueAsString, 'off');
  new CfnRule(stack, 'GarbageCollectionNeedsImagesInUse', {
    ruleCondition: Fn.conditionNot(isOff),
    assertions: [
      {
        assert: Fn.conditionNot(Fn.conditionEquals(otherInUse.valueAsString, '')),
        assertDescription: 'Set OtherImagesInUse to lists or none.',
      },
    ],
  });
  const policies: Readonly<Record<string, ICfnConditionExpression>> = {
    CollectFunctionPolicy: Fn.conditionNot(isOff),
    CollectFunctionDeletePolicy: Fn.conditionEquals(garbage.valueAsString, 'delete'),
    CollectFunctionClustersPolicy: Fn.conditionAnd(
      Fn.conditionNot(isOff),
      Fn.conditionNot(Fn.conditionEquals(clusters.valueAsString, '')),
    ),
  };
  for (const [id, expression] of Object.entries(policies)) {
    const policy = jobs.node.findChild(id).node.defaultChild as CfnPolicy;
    policy.cfnOptions.condition = new CfnCondition(stack, `Has${id}`, { expression });
  }
  const reading = jobs.node.findChild('CollectFunctionClustersPolicy').node.defaultChild as CfnPolicy;
  // Wildcards, because a delimiter cannot contain the Region. The role has access to its own account only.
  const prefix = 'arn:*:ecs:*:*:cluster/';
  const arns = Fn.split(',', Fn.join('', [prefix, Fn.join(`,${prefix}`, Fn.split(',', clusters.valueAsString))]));
  reading.addPropertyOverride('PolicyDocument.Statement.0.Condition.ArnLike.ecs:cluster', arns);
}

function functionsOf(jobs: SociRegistryJobs): LambdaFunction[] {
  const { planFunction, listFunction, mergeFunction, collectFunction, reportFunction } = jobs;
  return [planFunction, listFunction, mergeFunction, ...(collectFunction ? [collectFunction] : []), reportFunction];
}

/** Creates the schedule and its role only if the parameter has a value. */
function applySchedule(stack: Stack, jobs: SociRegistryJobs, schedule: CfnParameter): void {
  const hasSchedule = new CfnCondition(stack, 'HasSchedule', {
    expression: Fn.conditionNot(Fn.conditionEquals(schedule.valueAsString, '')),
  });
  for (const id of ['Schedule', 'ScheduleRole', 'SchedulePolicy']) {
    const { node } = jobs.node.findChild(id);
    ((node.defaultChild ?? jobs.node.findChild(id)) as CfnResource).cfnOptions.condition = hasSchedule;
  }
}

/** Sets the location of the zip. */
function applyCode(stack: Stack, jobs: SociRegistryJobs, { jobs: key }: FunctionKeys): void {
  const bucket = new CfnParameter(stack, 'QSS3BucketName', {
    allowedPattern: BUCKET_PATTERN,
    minLength: 3,
    maxLength: 63,
    description: 'Name of the S3 bucket that contains the zips of the functions, in the Region of the stack.',
  });
  const prefix = new CfnParameter(stack, 'QSS3KeyPrefix', {
    default: DEFAULT_PREFIX,
    allowedPattern: PREFIX_PATTERN,
    constraintDescription:
      'Must be empty, or consist of folders that end with a slash. The folders . and .. are not allowed.',
    description: 'Key prefix of the zips in the bucket.',
  });
  for (const { node } of functionsOf(jobs)) {
    (node.defaultChild as CfnResource).addPropertyOverride('Code', {
      S3Bucket: bucket.valueAsString,
      S3Key: `${prefix.valueAsString}${key}`,
    });
  }
}
