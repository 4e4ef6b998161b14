import { DEFAULT_OUTPUT_TAG, type OutputTag, parseOutputTag } from '@soci/filter';
import { parsePlatform } from '@soci/oci';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { valueOption } from '../command/option.ts';
import { usageError } from '../errors.ts';
import { parseOutputTagOption } from '../registry-jobs/bulk-options.ts';
import { parseLocation } from '../transports/location.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { diagnose } from './diagnose.ts';
import type { Evidence } from './evidence.ts';
import { diagnosisAsJson, printDiagnosis } from './print-diagnosis.ts';
import { readRegistry } from './read-registry.ts';
import { RequestBudget } from './request-budget.ts';

/** Options of `doctor`. */
export const DOCTOR_OPTIONS = {
  platform: valueOption('PLATFORM', parsePlatform, 'examine this platform, such as linux/arm64', 'p'),
  'output-tag': valueOption('TAG', parseOutputTagOption, `expect the index under TAG (default ${DEFAULT_OUTPUT_TAG})`),
  ...REGISTRY_OPTIONS,
} as const;

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
  const evidence = await readEvidence(name, options, context);
  const diagnosis = diagnose(evidence);
  if (output.json) await output.writeJson(diagnosisAsJson(evidence, diagnosis));
  else await printDiagnosis(evidence, diagnosis, output);
  return EXIT_CODES[diagnosis.verdict];
}

async function readEvidence(
  name: string,
  options: CommandArguments<typeof DOCTOR_OPTIONS>['options'],
  context: CommandContext,
): Promise<Evidence> {
  const location = parseLocation(name);
  if (location.transport !== 'registry') {
    throw usageError(
      `${name} is not in a registry, and doctor diagnoses images as they are deployed`,
      'Use "soci-index inspect" and "soci-index verify" for an image in a file or directory.',
    );
  }
  const access = await toRegistryAccess(options, [location], context);
  const budget = new RequestBudget();
  const trace = (line: string) => {
    budget.count();
    access.trace(line);
  };
  const outputTag: OutputTag = options['output-tag'] ?? parseOutputTag(DEFAULT_OUTPUT_TAG);
  const indexTag = (image: { readonly tag?: string; readonly digest: string }) =>
    outputTag.needsTag && image.tag === undefined ? undefined : outputTag.format(image);
  const stores = new RegistryStores({ ...access, trace });
  try {
    const { signal } = context;
    const repository = stores.open(location);
    return {
      registry: await readRegistry({ location, repository, platform: options.platform, indexTag, budget, signal }),
    };
  } finally {
    stores.close();
  }
}
