import { type CallOptions, isDigest, OciError } from '@soci/oci';
import type { AwsOptions } from './aws-client.ts';
import { checkFailures, openEcs } from './ecs-api.ts';

/** Options of {@link describeTask}. */
export interface DescribeTaskOptions extends AwsOptions, CallOptions {
  /** Region of the cluster. @default the Region in the ARN of the cluster, otherwise that of the SDK's configuration */
  readonly region?: string;
}

/** A task of Amazon ECS. */
export interface EcsTask {
  readonly arn?: string;
  /** ARN of the cluster. */
  readonly cluster?: string;
  /** Name of the service that started it. */
  readonly service?: string;
  /** `FARGATE`, `EC2`, `EXTERNAL` or `MANAGED_INSTANCES`. */
  readonly launchType?: string;
  /** Version of AWS Fargate, such as `1.4.0`. */
  readonly platformVersion?: string;
  /** Operating system, such as `Linux` or `WINDOWS_SERVER_2022_CORE`. */
  readonly platformFamily?: string;
  /** `x86_64` or `arm64`. */
  readonly cpuArchitecture?: string;
  /** When it was created, in milliseconds since 1970. */
  readonly createdAt?: number;
  readonly containers: readonly EcsContainer[];
}

/** A container of a task. */
export interface EcsContainer {
  readonly name: string;
  /** Image as in the task definition. */
  readonly image: string;
  /** Digest of the image, once it is pulled. */
  readonly digest?: string;
}

/**
 * Describes a task of Amazon ECS, in one call. Requires `ecs:DescribeTasks`. A task can be described for about an hour after
 * it has stopped.
 *
 * @param cluster - Name or ARN of the cluster.
 * @param task - Id or ARN of the task.
 * @throws OciError `NOT_FOUND` if the cluster or the task does not exist; RegistryError as documented by
 * {@link ecrCredentials}, and `RESPONSE_INVALID`; the signal's reason
 */
export async function describeTask(cluster: string, task: string, options: DescribeTaskOptions = {}): Promise<EcsTask> {
  const { sdk, send } = await openEcs(cluster, options);
  const command = new sdk.DescribeTasksCommand({ cluster, tasks: [task] });
  const { tasks = [], failures } = await send('DescribeTasks', (client, sending) => client.send(command, sending));
  checkFailures('DescribeTasks', failures);
  const [found] = tasks;
  if (found === undefined) {
    const remedy = 'check its id and the cluster. Tasks disappear about an hour after they have stopped';
    throw new OciError('NOT_FOUND', `the task ${task} does not exist in the Amazon ECS cluster ${cluster}: ${remedy}`);
  }
  const { taskArn, clusterArn, group, launchType, platformVersion, platformFamily, createdAt } = found;
  const cpuArchitecture = found.attributes?.find(({ name }) => name === 'ecs.cpu-architecture')?.value;
  return {
    ...(taskArn !== undefined && { arn: taskArn }),
    ...(clusterArn !== undefined && { cluster: clusterArn }),
    ...(group?.startsWith('service:') && { service: group.slice('service:'.length) }),
    ...(launchType !== undefined && { launchType }),
    ...(platformVersion !== undefined && { platformVersion }),
    ...(platformFamily !== undefined && { platformFamily }),
    ...(cpuArchitecture !== undefined && { cpuArchitecture }),
    ...(createdAt !== undefined && { createdAt: createdAt.getTime() }),
    containers: (found.containers ?? []).flatMap(({ name = '', image, imageDigest }) =>
      image === undefined
        ? []
        : [{ name, image, ...(imageDigest !== undefined && isDigest(imageDigest) && { digest: imageDigest }) }],
    ),
  };
}
