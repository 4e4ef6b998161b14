import type { Service } from '@aws-sdk/client-ecs';
import { type CallOptions, isDigest } from '@soci/oci';
import type { AwsOptions } from './aws-client.ts';
import { readPages } from './ecr-api.ts';
import { checkFailures, openEcs } from './ecs-api.ts';

/** Maximum numbers of items of one call. @see Amazon ECS API Reference */
const MAX_LISTED = 100;
const MAX_SERVICES = 10;
const MAX_REVISIONS = 20;

/** Options of {@link digestsInUse}. */
export interface DigestsInUseOptions extends AwsOptions, CallOptions {
  /** Region of the cluster. @default the Region in the ARN of the cluster, otherwise that of the SDK's configuration */
  readonly region?: string;
}

/**
 * Returns the images that an Amazon ECS cluster runs, or can start without a new deployment: those of its tasks, of the
 * current revisions of its services, and of the services' task definitions. Each entry is a digest, or an image reference
 * such as `host/team/app:v1` if Amazon ECS has not resolved its tag.
 *
 * Tasks that no service starts, such as scheduled ones, are found only while they run.
 *
 * Requires `ecs:ListTasks`, `ecs:DescribeTasks`, `ecs:ListServices`, `ecs:DescribeServices`,
 * `ecs:DescribeServiceRevisions` and `ecs:DescribeTaskDefinition`. A missing permission is an error: the result would
 * lack images that are in use.
 *
 * @param cluster - Name or ARN of the cluster.
 * @throws OciError `NOT_FOUND` if the cluster does not exist; RegistryError as documented by {@link ecrCredentials}, and
 * `RESPONSE_INVALID` if a task or a service cannot be described; the signal's reason
 */
export async function digestsInUse(cluster: string, options: DigestsInUseOptions = {}): Promise<ReadonlySet<string>> {
  const { sdk, send } = await openEcs(cluster, options);
  const images = new Set<string>();
  const addImages = (uses: readonly ImageUse[] = []) => {
    for (const use of uses) for (const image of nameImage(use)) images.add(image);
  };

  const tasks = await collectPages('ListTasks', async (nextToken) => {
    const command = new sdk.ListTasksCommand({ cluster, nextToken, maxResults: MAX_LISTED });
    const { taskArns, ...page } = await send('ListTasks', (client, sending) => client.send(command, sending));
    return { ...page, items: taskArns };
  });
  for (const batch of batches(tasks, MAX_LISTED)) {
    const command = new sdk.DescribeTasksCommand({ cluster, tasks: batch });
    const output = await send('DescribeTasks', (client, sending) => client.send(command, sending));
    checkFailures('DescribeTasks', output.failures);
    for (const { containers } of output.tasks ?? []) addImages(containers);
  }

  const services = await collectPages('ListServices', async (nextToken) => {
    const command = new sdk.ListServicesCommand({ cluster, nextToken, maxResults: MAX_LISTED });
    const { serviceArns, ...page } = await send('ListServices', (client, sending) => client.send(command, sending));
    return { ...page, items: serviceArns };
  });
  const revisions = new Set<string>();
  const definitions = new Set<string>();
  for (const batch of batches(services, MAX_SERVICES)) {
    const command = new sdk.DescribeServicesCommand({ cluster, services: batch });
    const output = await send('DescribeServices', (client, sending) => client.send(command, sending));
    checkFailures('DescribeServices', output.failures);
    for (const service of output.services ?? []) {
      for (const { arn } of service.currentServiceRevisions ?? []) if (arn !== undefined) revisions.add(arn);
      for (const definition of taskDefinitionsOf(service)) definitions.add(definition);
    }
  }
  for (const serviceRevisionArns of batches([...revisions], MAX_REVISIONS)) {
    const command = new sdk.DescribeServiceRevisionsCommand({ serviceRevisionArns });
    const output = await send('DescribeServiceRevisions', (client, sending) => client.send(command, sending));
    checkFailures('DescribeServiceRevisions', output.failures);
    for (const { containerImages } of output.serviceRevisions ?? []) addImages(containerImages);
  }
  for (const taskDefinition of definitions) {
    const command = new sdk.DescribeTaskDefinitionCommand({ taskDefinition });
    const output = await send('DescribeTaskDefinition', (client, sending) => client.send(command, sending));
    addImages(output.taskDefinition?.containerDefinitions);
  }
  return images;
}

/** A container image of a task, a service revision or a task definition. */
interface ImageUse {
  readonly image?: string | undefined;
  readonly imageDigest?: string | undefined;
}

/** Returns the digest of an image, or its reference if the digest is unknown. An image may end in `@DIGEST`. */
function nameImage({ image = '', imageDigest = image.slice(image.indexOf('@') + 1) }: ImageUse): readonly string[] {
  if (isDigest(imageDigest)) return [imageDigest];
  return image === '' ? [] : [image];
}

/** Returns the task definitions of a service, of its deployments and of its task sets. */
function taskDefinitionsOf({ taskDefinition, deployments = [], taskSets = [] }: Service): readonly string[] {
  const all = [taskDefinition, ...[...deployments, ...taskSets].map((each) => each.taskDefinition)];
  return all.filter((arn) => arn !== undefined);
}

async function collectPages(
  name: string,
  read: (nextToken: string | undefined) => Promise<{ nextToken?: string | undefined; items: string[] | undefined }>,
): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const { items = [] } of readPages(name, read)) all.push(...items);
  return all;
}

function* batches(items: readonly string[], size: number): Generator<string[], void, undefined> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
