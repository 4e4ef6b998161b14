import { parseEcrHost } from '@soci/ecr';
import { DEFAULT_OUTPUT_TAG, type OutputTag, parseOutputTag } from '@soci/filter';
import { OciError, type Platform, parsePlatform } from '@soci/oci';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { excluding, omitUndefined, oneOf, parseText, valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { parseOutputTagOption } from '../registry-jobs/bulk-options.ts';
import { parseLocation, type RegistryLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { diagnose } from './diagnose.ts';
import {
  type EcrEvidence,
  type Evidence,
  isUnread,
  type RegistryEvidence,
  RUNTIMES,
  type RuntimeName,
  type TaskEvidence,
} from './evidence.ts';
import { diagnosisAsJson, printDiagnosis } from './print-diagnosis.ts';
import { parseTaskName, readEcr, readTask } from './read-aws.ts';
import { readContainerdConfig, readSnapshotterConfig } from './read-config.ts';
import { readLog } from './read-log.ts';
import { readTaskMetadata } from './read-metadata.ts';
import { findOriginal, type RegistryReading, readRegistry } from './read-registry.ts';
import { RequestBudget } from './request-budget.ts';

/** Options of `doctor`. */
export const DOCTOR_OPTIONS = {
  platform: valueOption('PLATFORM', parsePlatform, 'examine this platform, such as linux/arm64', 'p'),
  'output-tag': valueOption('TAG', parseOutputTagOption, `expect the index under TAG (default ${DEFAULT_OUTPUT_TAG})`),
  runtime: valueOption('NAME', oneOf(RUNTIMES), 'say what runs it: fargate, containerd, ...'),
  'task-metadata': excluding(valueOption('FILE', parseText, 'read the metadata of a task from FILE'), 'ecs'),
  ecs: valueOption('CLUSTER/TASK', parseTaskName, 'describe this task of Amazon ECS'),
  'containerd-config': valueOption('FILE', parseText, 'read the configuration of containerd'),
  'soci-config': valueOption('FILE', parseText, 'read the configuration of soci-snapshotter'),
  log: valueOption('FILE', parseText, 'read a log of the snapshotter or generator'),
  ...REGISTRY_OPTIONS,
} as const;

type DoctorOptions = CommandArguments<typeof DOCTOR_OPTIONS>['options'];

/** Exit codes by verdict. */
const EXIT_CODES = {
  lazy: EXIT.SUCCESS,
  'nothing-to-gain': EXIT.NOTHING_TO_INDEX,
  'cause-found': EXIT.CAUSE_FOUND,
} as const;

/** Runs `doctor`. */
export async function runDoctor(
  { operands: [name = ''], options }: CommandArguments<typeof DOCTOR_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const { output } = context;
  const location = parseLocation(name);
  if (location.transport !== 'registry') {
    throw usageError(
      `${name} is not in a registry, and doctor diagnoses images as they are deployed`,
      'Use "soci-index inspect" and "soci-index verify" for an image in a file or directory.',
    );
  }
  const evidence = await readEvidence(location, options, context);
  const diagnosis = diagnose(evidence);
  if (output.json) await output.writeJson(diagnosisAsJson(evidence, diagnosis));
  else await printDiagnosis(evidence, diagnosis, output);
  return EXIT_CODES[diagnosis.verdict];
}

/** Reads all evidence. Files come first, so that a wrong one fails before any request. */
async function readEvidence(
  location: RegistryLocation,
  options: DoctorOptions,
  context: CommandContext,
): Promise<Evidence> {
  const { signal } = context;
  const { 'task-metadata': metadata, 'containerd-config': containerdFile, 'soci-config': sociFile, ecs, log } = options;
  const budget = new RequestBudget();
  const containerd = containerdFile === undefined ? undefined : await readContainerdConfig(containerdFile, signal);
  const snapshotter = sociFile === undefined ? undefined : await readSnapshotterConfig(sociFile, signal);
  const reading = { location, budget };
  const task: (TaskEvidence & { readonly platform?: Platform }) | undefined =
    metadata !== undefined
      ? await readTaskMetadata(metadata, location, signal)
      : ecs && (await readTask(ecs, reading, context));
  const registry = await readRegistryEvidence(reading, options.platform ?? task?.platform, options, context);
  return {
    registry,
    ...omitUndefined({
      task,
      containerd,
      snapshotter,
      log: log === undefined ? undefined : await readLog(log, registry, signal),
      runtime: options.runtime ?? runtimeOf(task) ?? (containerd || snapshotter ? 'containerd' : undefined),
    }),
  };
}

function runtimeOf(task: TaskEvidence | undefined): RuntimeName | undefined {
  if (task?.launchType === undefined) return undefined;
  return task.launchType === 'FARGATE' ? 'fargate' : 'ecs-ec2';
}

async function readRegistryEvidence(
  { location, budget }: Pick<RegistryReading, 'location' | 'budget'>,
  platform: Platform | undefined,
  options: DoctorOptions,
  context: CommandContext,
): Promise<RegistryEvidence> {
  const { signal } = context;
  const access = await toRegistryAccess(options, [location], context);
  const outputTag: OutputTag = options['output-tag'] ?? parseOutputTag(DEFAULT_OUTPUT_TAG);
  // The API of Amazon ECR needs credentials of AWS, which only the default is.
  const asksEcr = access.account === undefined && access.authFile === undefined;
  // The token of Amazon ECR.
  if (asksEcr && parseEcrHost(location.host) !== undefined) budget.count();
  const stores = new RegistryStores({
    ...access,
    trace: (line) => {
      budget.count();
      access.trace(line);
    },
  });
  try {
    const repository = stores.open(location);
    const indexTag: RegistryReading['indexTag'] = (image) =>
      outputTag.needsTag && image.tag === undefined ? undefined : outputTag.format(image);
    const originalTag = (tag: string) => withoutTemplate(outputTag, tag);
    const readsEcr = asksEcr
      ? (readsRules: boolean) => readEcr({ location, budget }, readsRules, context)
      : async () => undefined;
    // The tags of a digest lead to its SOCI-enabled version.
    const pinned = location.digest === undefined ? undefined : await readsEcr(false);
    const ownTag = location.tag ?? pinned?.tags?.find((tag) => !outputTag.isOutput(tag));
    const reading = { location, ownTag, repository, platform, indexTag, originalTag, budget, signal };
    const registry = await readRegistry(reading).catch(async (error: unknown) => {
      const missing = await readMissing(error, reading, readsEcr);
      if (missing === undefined) throw error;
      return missing;
    });
    const isIncomplete =
      registry.index !== undefined && !isUnread(registry.index) && registry.index.state === 'missing';
    const ecr = registry.ecr ?? (isIncomplete ? undefined : pinned) ?? (await readsEcr(isIncomplete));
    return { ...registry, ...(ecr && { ecr }), requests: budget.used };
  } finally {
    stores.close();
  }
}

/**
 * Returns the evidence about a reference that does not exist, if there is an answer: it is archived, or the index of an
 * existing image.
 */
async function readMissing(
  error: unknown,
  reading: RegistryReading,
  readsEcr: (readsRules: boolean) => Promise<EcrEvidence | undefined>,
): Promise<RegistryEvidence | undefined> {
  if (!(error instanceof OciError && error.code === 'NOT_FOUND')) return undefined;
  const { location, budget } = reading;
  const ecr = await readsEcr(true);
  const original = await findOriginal(reading);
  if (ecr?.isArchived !== true && original === undefined) return undefined;
  return {
    name: location.text,
    host: location.host,
    repository: location.repository,
    tag: location.digest === undefined ? (location.tag ?? 'latest') : undefined,
    isPinned: location.digest !== undefined,
    ...(original !== undefined && { original }),
    platforms: [],
    listedIndexes: [],
    formats: new Map(),
    ...(ecr && { ecr }),
    requests: budget.used,
  };
}

/** Returns what stands for `{tag}` in an output tag. Undefined if `tag` is another one, or the template has more placeholders. */
function withoutTemplate({ template, isOutput }: OutputTag, tag: string): string | undefined {
  const [before = '', after, more] = template.split('{tag}');
  if (after === undefined || more !== undefined || template.includes('{digest12}') || !isOutput(tag)) return undefined;
  return tag.slice(before.length, tag.length - after.length);
}
