import { describeTask, openEcrImages, parseEcrHost, readLifecyclePolicy } from '@soci/ecr';
import { type Platform, parsePlatform } from '@soci/oci';
import type { CommandContext } from '../command/command.ts';
import { usageError } from '../errors.ts';
import type { RegistryLocation } from '../transports/location.ts';
import type { EcrEvidence, TaskEvidence } from './evidence.ts';
import { regionOf, selectContainer } from './read-metadata.ts';
import { OUT_OF_REQUESTS, type RequestBudget } from './request-budget.ts';

/** A task, by cluster. */
export interface TaskName {
  readonly cluster: string;
  readonly task: string;
}

/** Parses the value of `--ecs`: `CLUSTER/TASK`, or the ARN of a task. @throws CliError `USAGE_INVALID` */
export function parseTaskName(text: string): TaskName {
  const arn = /^(arn:[\w-]+:ecs:[a-z0-9-]+:\d{12}):task\/([\w-]+)\/[0-9a-f]+$/.exec(text);
  if (arn !== null) return { cluster: `${arn[1]}:cluster/${arn[2]}`, task: text };
  const [, cluster, task] = /^([\w-]{1,255})\/([0-9a-f]{1,64})$/.exec(text) ?? [];
  if (cluster !== undefined && task !== undefined) return { cluster, task };
  throw usageError(
    `${text} is not CLUSTER/TASK`,
    'Write the name of the cluster and the id of the task, or the ARN of the task.',
  );
}

/** Where a task and its image are. */
interface TaskReading {
  readonly location: RegistryLocation;
  readonly budget: RequestBudget;
}

/**
 * Describes a task with the API of Amazon ECS. The AWS SDK is loaded.
 *
 * @throws CliError `EVIDENCE_MISMATCH`; errors of `describeTask` in `@soci/ecr`
 */
export async function readTask(
  { cluster, task }: TaskName,
  { location, budget }: TaskReading,
  { env, signal }: CommandContext,
): Promise<TaskEvidence & { readonly platform?: Platform }> {
  const region = cluster.startsWith('arn:') ? undefined : parseEcrHost(location.host)?.region;
  budget.count();
  const found = await describeTask(cluster, task, { env, signal, ...(region !== undefined && { region }) });
  const { containers, cpuArchitecture, arn, ...fields } = found;
  const source = `Amazon ECS, task ${arn ?? task}`;
  const taskRegion = regionOf(arn) ?? region;
  return {
    source,
    ...fields,
    ...(arn !== undefined && { arn }),
    ...(taskRegion !== undefined && { region: taskRegion }),
    ...(cpuArchitecture !== undefined && { platform: parsePlatform(`linux/${cpuArchitecture}`) }),
    ...selectContainer(containers, location, source),
  };
}

/**
 * Asks the API of Amazon ECR about an image. What it does not answer is absent, with the reason. Returns undefined for other
 * registries.
 *
 * @param readsRules - Whether the lifecycle policy matters, because something is missing.
 */
export async function readEcr(
  { location, budget }: TaskReading,
  readsRules: boolean,
  { env, signal }: Pick<CommandContext, 'env' | 'signal'>,
): Promise<EcrEvidence | undefined> {
  const registry = parseEcrHost(location.host);
  if (registry === undefined) return undefined;
  const { account, region } = registry;
  const { repository, digest, tag = 'latest' } = location;
  const base = { account, region };
  if (!budget.allows(1)) return { ...base, problem: OUT_OF_REQUESTS };
  try {
    budget.count();
    const images = openEcrImages({ registry, env });
    const found = await images.describe(repository, digest === undefined ? { tag } : { digest }, { signal });
    const described = { ...base, ...found };
    if (!readsRules || !budget.allows(1)) return described;
    budget.count();
    const lifecycle = await readLifecyclePolicy(repository, { registry, env, signal });
    return { ...described, lifecycle: lifecycle ?? 'none' };
  } catch (error) {
    signal.throwIfAborted();
    return { ...base, problem: (error as Error).message };
  }
}
