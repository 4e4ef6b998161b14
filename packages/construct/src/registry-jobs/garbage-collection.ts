import type { Duration } from 'aws-cdk-lib';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** Images in use that no Amazon ECS cluster of `SociGarbageCollection` runs. */
export class SociImagesInUse {
  /** No other image is in use. */
  public static readonly NONE = new SociImagesInUse('none');

  /**
   * The images that the objects below `in-use/` of the bucket name. At least one object must exist, and none may be older than 24
   * hours. They have the format of `soci-index gc --in-use`: references or digests, separated by white space.
   */
  public static readonly LISTED = new SociImagesInUse('lists');

  /** Returns the images with a name, which may be a token such as a parameter value. @param value - `none` or `lists`. */
  public static of(value: string): SociImagesInUse {
    return new SociImagesInUse(value);
  }

  /** Name: `none`, `lists`, or a token. */
  public readonly value: string;

  private constructor(value: string) {
    this.value = value;
  }
}

/** How `SociRegistryJobs` finds and deletes garbage: what images leave behind when they are deleted or their tag is moved. */
export interface SociGarbageCollection {
  /**
   * Amazon ECS clusters in the account of the stack. The images that they run, or can start without a new deployment, are kept.
   *
   * @default - no clusters
   */
  readonly clusters?: ICluster[];
  /** Images in use outside of `clusters`, such as those of Amazon EKS or of other accounts. They are kept. */
  readonly otherImagesInUse: SociImagesInUse;
  /** Garbage that was pushed later than this before the run is kept. Whole days. @default Duration.days(30) */
  readonly olderThan?: Duration;
  /**
   * Whether to delete garbage. Runs with the input `"dryRun": true` delete nothing.
   *
   * @default false - runs only report garbage
   */
  readonly delete?: boolean;
}

/** Returns the statements that allow to read which images Amazon ECS clusters use. */
export function allowReadingClusters(clusters: readonly ICluster[]): PolicyStatement[] {
  const arns = clusters.map(({ clusterArn }) => clusterArn);
  return [
    // @see Amazon ECS Developer Guide, "Identity-based policy examples for Amazon ECS"
    new PolicyStatement({
      actions: ['ecs:ListTasks', 'ecs:DescribeTasks', 'ecs:ListServices', 'ecs:DescribeServices'],
      resources: ['*'],
      conditions: { ArnLike: { 'ecs:cluster': arns } },
    }),
    // Neither supports the condition, and the ARNs of task definitions do not name a cluster.
    new PolicyStatement({ actions: ['ecs:DescribeServiceRevisions', 'ecs:DescribeTaskDefinition'], resources: ['*'] }),
  ];
}
