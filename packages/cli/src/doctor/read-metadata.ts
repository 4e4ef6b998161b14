import { parseReference, quoteText } from '@soci/oci';
import { omitUndefined } from '../command/option.ts';
import { CliError } from '../errors.ts';
import type { RegistryLocation } from '../transports/location.ts';
import { parseRegistryLocation } from '../transports/location.ts';
import type { TaskContainer, TaskEvidence } from './evidence.ts';
import { listWords } from './names.ts';
import { invalidEvidence, readEvidenceFile } from './read-file.ts';

/** Maximum number of containers of a task. Amazon ECS allows ten in a task definition. */
const MAX_CONTAINERS = 100;

const WHAT = 'task metadata of Amazon ECS';
const HOW = 'In the container, run: curl -s "$ECS_CONTAINER_METADATA_URI_V4/task" > FILE';

/**
 * Reads the response of the task metadata endpoint, version 4: of `/task`, or of a container.
 *
 * @throws CliError `SOURCE_INVALID`, `EVIDENCE_MISMATCH` if no container runs an image of the repository
 */
export async function readTaskMetadata(
  path: string,
  location: RegistryLocation,
  signal: AbortSignal,
): Promise<TaskEvidence> {
  const text = await readEvidenceFile(path, WHAT, signal);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalidEvidence(path, WHAT, (error as Error).message, HOW);
  }
  const task = asObject(document);
  if (task === undefined) throw invalidEvidence(path, WHAT, 'it is not a JSON object', HOW);
  const listed = Array.isArray(task.Containers) ? task.Containers : [task];
  const containers = listed.slice(0, MAX_CONTAINERS).flatMap(readContainer);
  if (containers.length === 0) throw invalidEvidence(path, WHAT, 'it names no container with an image', HOW);
  const labels = asObject(task.Labels) ?? {};
  const arn = stringOf(task.TaskARN) ?? stringOf(labels['com.amazonaws.ecs.task-arn']);
  return {
    source: path,
    ...selectContainer(containers, location, `${path} (${arn ?? 'a task without an ARN'})`),
    ...omitUndefined({
      arn,
      cluster: stringOf(task.Cluster) ?? stringOf(labels['com.amazonaws.ecs.cluster']),
      service: stringOf(task.ServiceName),
      region: regionOf(arn),
      launchType: stringOf(task.LaunchType),
    }),
    ...createdAt(stringOf(task.PullStartedAt) ?? stringOf(task.CreatedAt)),
  };
}

/**
 * Selects the container that runs the image: of several containers with images of the repository, one with the tag or
 * digest.
 *
 * @param task - Names the task in errors.
 * @throws CliError `EVIDENCE_MISMATCH`
 */
export function selectContainer(
  containers: readonly TaskContainer[],
  location: RegistryLocation,
  task: string,
): Pick<TaskEvidence, 'container' | 'others'> {
  const own = containers.filter(({ image }) => isOfRepository(image, location));
  const container = own.find(({ image }) => image.endsWith(versionOf(location))) ?? own[0];
  if (container === undefined) {
    const images = listWords(containers.map(({ image }) => quoteText(image)));
    throw new CliError(
      'EVIDENCE_MISMATCH',
      `${task} runs no image of ${location.host}/${location.repository}. It runs ${images}`,
      { remedy: 'Use the task that runs the image, or name the image that this task runs.' },
    );
  }
  return { container, others: containers.filter((each) => each !== container).map(({ name }) => name) };
}

function versionOf({ tag, digest }: RegistryLocation): string {
  return digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`;
}

function isOfRepository(image: string, { host, repository }: RegistryLocation): boolean {
  try {
    parseReference(image);
    const other = parseRegistryLocation(image);
    return other.host === host && other.repository === repository;
  } catch {
    return false;
  }
}

function readContainer(value: unknown): TaskContainer[] {
  const container = asObject(value);
  const image = stringOf(container?.Image);
  if (container === undefined || image === undefined) return [];
  const digest = stringOf(container.ImageID);
  const snapshotter = stringOf(container.Snapshotter);
  return [
    {
      name: stringOf(container.Name) ?? '',
      image,
      ...(digest !== undefined && { digest }),
      ...(snapshotter !== undefined && { snapshotter }),
    },
  ];
}

/** Returns the Region in the ARN of a task. */
export function regionOf(arn: string | undefined): string | undefined {
  return /^arn:[^:]+:ecs:([a-z0-9-]+):/.exec(arn ?? '')?.[1];
}

function createdAt(text: string | undefined): { readonly createdAt?: number } {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? {} : { createdAt: time };
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
