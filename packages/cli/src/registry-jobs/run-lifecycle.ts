import { readFile } from 'node:fs/promises';
import { parseEcrHost, readLifecyclePolicy } from '@soci/ecr';
import { DEFAULT_OUTPUT_TAG, parseOutputTag } from '@soci/filter';
import type { ListedImage } from '@soci/oci';
import {
  explainLifecycle,
  type LifecycleEffect,
  type LifecyclePolicy,
  parseLifecyclePolicy,
  proposeLifecycle,
} from '@soci/registry-jobs';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { parseText, valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { wrapFileError } from '../terminal/describe-error.ts';
import { printable } from '../terminal/text.ts';
import { parseRegistryLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { parseOutputTagOption } from './bulk-options.ts';
import { openCatalog } from './registry-globs.ts';

/** Options of `lifecycle`. */
export const LIFECYCLE_OPTIONS = {
  policy: valueOption('FILE', parseText, 'read the rules from FILE, without requests'),
  'output-tag': valueOption('TAG', parseOutputTagOption, `name the tags of indexes (default ${DEFAULT_OUTPUT_TAG})`),
  ...REGISTRY_OPTIONS,
} as const;

/** What each effect means. */
const EFFECTS: Readonly<Record<LifecycleEffect, string>> = {
  'counts-both': 'counts an image and its SOCI-enabled image as two, and keeps half as many images',
  'keeps-index': 'selects images, but not their SOCI-enabled images, which remain',
  'removes-index': 'selects SOCI-enabled images, but not their images, which lose their index',
  'pull-times-differ': 'uses pull times: clients pull the SOCI-enabled image, so that the image looks unused',
  'removes-v1': 'selects SOCI indexes of version 1 and untagged images; what an image lists is kept',
  together: 'treats images and their SOCI-enabled images in the same way',
};

interface Repository {
  readonly policy: LifecyclePolicy | undefined;
  readonly images: readonly ListedImage[];
}

/** Runs `lifecycle`. */
export async function runLifecycle(
  { operands: [name = ''], options }: CommandArguments<typeof LIFECYCLE_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const { output } = context;
  const { host, repository, tag, digest } = parseRegistryLocation(name);
  if (tag !== undefined || digest !== undefined) throw usageError(`${name}: a tag or digest is not allowed here`);
  const outputTag = options['output-tag'] ?? parseOutputTag(DEFAULT_OUTPUT_TAG);
  const { policy, images } = await readRepository({ host, repository }, options, context);
  const rules = policy === undefined ? [] : explainLifecycle(policy, images, outputTag);
  const proposal = proposeLifecycle(policy, images, outputTag);
  if (output.json) {
    await output.writeJson({ host, repository, policy: policy ?? null, rules, proposal });
    return EXIT.SUCCESS;
  }
  if (policy === undefined) await output.writeLine(`${host}/${repository} has no lifecycle policy.`);
  for (const { rulePriority, effects, images: count, indexes } of rules) {
    const { description } = policy?.rules.find((rule) => rule.rulePriority === rulePriority) ?? {};
    const title = description === undefined ? '' : ` (${printable(description)})`;
    for (const effect of effects) await output.writeLine(`Rule ${rulePriority}${title}: ${EFFECTS[effect]}.`);
    if (images.length > 0)
      await output.writeLine(`  It selects ${count} tags of images and ${indexes} of SOCI-enabled images.`);
  }
  const isUnchanged = policy !== undefined && JSON.stringify(proposal.rules) === JSON.stringify(policy.rules);
  await output.writeLine(isUnchanged ? 'No change is needed.' : 'Proposal for "aws ecr put-lifecycle-policy":');
  if (!isUnchanged) await output.writeLines(JSON.stringify(proposal, undefined, 2).split('\n'));
  return EXIT.SUCCESS;
}

async function readRepository(
  { host, repository }: { readonly host: string; readonly repository: string },
  options: CommandArguments<typeof LIFECYCLE_OPTIONS>['options'],
  context: CommandContext,
): Promise<Repository> {
  const { env, signal } = context;
  if (options.policy !== undefined) {
    const path = options.policy;
    const text = await readFile(path, 'utf8').catch((error) => {
      throw wrapFileError(path, error);
    });
    return { policy: parseLifecyclePolicy(text, path), images: [] };
  }
  const registry = parseEcrHost(host);
  if (registry === undefined) {
    throw usageError(`${host} is not Amazon ECR, which has lifecycle policies`, 'Give the rules with --policy FILE.');
  }
  const text = await readLifecyclePolicy(repository, { registry, env, signal });
  const stores = new RegistryStores(await toRegistryAccess(options, [], context));
  try {
    const images: ListedImage[] = [];
    for await (const page of openCatalog(host, stores, env).images(repository, { signal })) images.push(...page);
    const policy = text === undefined ? undefined : parseLifecyclePolicy(text, `the policy of ${repository}`);
    return { policy, images };
  } finally {
    stores.close();
  }
}
