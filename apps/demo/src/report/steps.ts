import {
  countRead,
  formatBytes,
  formatPercent,
  formatSeconds,
  type Output,
  pluralize,
  printable,
  textWidth,
  wrapWords,
} from '@soci/cli/internal';
import type { FilterResponse, GeneratorResponse } from '@soci/functions';
import type { Invocation } from '@soci/test-aws';
import type { RegistryTraffic } from '../demo-repository.ts';
import type { DemoImage } from '../image/demo-image.ts';
import type { ReadCost, Verification } from '../verification.ts';
import {
  describeFailure,
  type EventTrace,
  FILTER,
  type FunctionRun,
  GENERATOR,
  imageOf,
  isRegistryEvent,
  RULE,
} from '../workflow/event-trace.ts';

const STEP_WIDTH = 10;

/** Prints the step that created the image. */
export async function printImage({ files, size, titles, folder, seconds }: DemoImage, output: Output): Promise<void> {
  const when = seconds === undefined ? 'from an earlier run' : formatSeconds(seconds);
  const what = `${pluralize(files, 'file')} of this machine, ${formatBytes(size)}, in ${pluralize(titles.length, 'layer')}`;
  await printStep('Image', what, when, output, folder);
}

/** Prints the step that deployed the workflow. */
export async function printDeployment(filters: string, seconds: number, output: Output): Promise<void> {
  const what = `local emulators of Amazon ECR, EventBridge and Lambda; image filter "${filters}"`;
  await printStep('Deploy', what, formatSeconds(seconds), output, `${RULE}, ${FILTER}, ${GENERATOR}`);
}

/** Prints the step that pushed the image. */
export async function printPush(
  { bytesIn, requests, seconds }: RegistryTraffic,
  destination: string,
  output: Output,
): Promise<void> {
  const what = `${formatBytes(bytesIn)} in ${pluralize(requests, 'request')}`;
  await printStep('Push', what, formatSeconds(seconds), output, destination);
}

/** Prints the event of a push, and whether the rule matched it. */
export async function printEvent({ event, rules }: EventTrace, output: Output): Promise<void> {
  const action = String(event.detail['action-type']);
  const result = rules.includes(RULE) ? 'matched by the rule' : 'not matched by the rule';
  await printStep('Event', `${event['detail-type']}, ${action} ${printable(imageOf(event))}: ${result}`, '', output);
}

/** Prints the decision of the filtering function. */
export async function printFilter(run: FunctionRun<FilterResponse>, output: Output): Promise<void> {
  const { invocation, response } = run;
  const action = response?.body.startsWith('Successfully invoked') ? '; invoked the generator' : '';
  await printStep('Filter', `${describeFilter(run)}${action}`, describeUsage(invocation), output);
}

/** Prints the result of the generator and its transfers. */
export async function printGenerator(
  run: FunctionRun<GeneratorResponse>,
  { bytesIn, requests }: Pick<RegistryTraffic, 'bytesIn' | 'requests'>,
  output: Output,
): Promise<void> {
  const { invocation, response } = run;
  const details =
    response?.outcome === 'indexed'
      ? `read ${formatBytes(response.bytesRead)} of layers once, without using the disk; ` +
        `verified ${pluralize(response.spansVerified, 'span')}; ` +
        `sent ${formatBytes(bytesIn)}; made ${pluralize(requests, 'request')}`
      : printable(response?.message ?? describeFailure(invocation));
  await printStep('Generate', describeGenerator(run), describeUsage(invocation), output, details);
}

/** Prints the events that the generator caused: those of its push, and the event that it sent itself. */
export async function printGeneratorEvents(traces: readonly EventTrace[], output: Output): Promise<void> {
  const [ready] = traces.filter(({ event }) => !isRegistryEvent(event));
  if (ready) {
    const what = `sent the event "${ready.event['detail-type']}" for ${printable(imageOf(ready.event))}`;
    await printStep('Ready', what, '', output);
  }
  const pushes = traces.filter(({ event }) => isRegistryEvent(event));
  const unmatched = pushes.filter(({ rules }) => rules.length === 0).length;
  const what =
    `pushing the index caused ${pluralize(pushes.length, 'event')}: ` +
    `${unmatched} not matched by the rule, ${pushes.length - unmatched} rejected by the filter`;
  await printStep('No loop', what, '', output);
}

/** Prints the result of verifying the index. */
export async function printVerification({ result, seconds }: Verification, output: Output): Promise<void> {
  const { filesRead, spansRead } = countRead(result);
  const what =
    result.outcome === 'valid'
      ? `read ${pluralize(filesRead, 'file')} through ${pluralize(spansRead, 'span')}: all match their layers`
      : 'some files do not match their layers';
  await printStep('Verify', what, formatSeconds(seconds), output);
}

/** Prints the result of delivering the same event twice. */
export async function printRepeat(
  run: FunctionRun<GeneratorResponse>,
  { requests, bytesOut }: RegistryTraffic,
  output: Output,
): Promise<void> {
  const what = `the same event again: ${describeGenerator(run)}, after ${pluralize(requests, 'request')} and ${formatBytes(bytesOut)}`;
  await printStep('Repeat', what, describeUsage(run.invocation), output);
}

/** Prints the cost of reading one file from the registry. */
export async function printRead(
  { name, size }: ReadCost,
  { requests, bytesOut, seconds }: RegistryTraffic,
  imageSize: number,
  output: Output,
): Promise<void> {
  const what = `${formatBytes(bytesOut)} (${formatPercent(bytesOut, imageSize)} of the image) in ${pluralize(requests, 'request')}, including the zTOCs`;
  await printStep('Read', what, formatSeconds(seconds), output, `${printable(name)}, ${formatBytes(size)}`);
}

/** Prints the start of a container: how its image was loaded, and what it printed. */
export async function printStart(title: string, text: string, seconds: number, output: Output): Promise<void> {
  await printStep('Start', `${title}: ${printable(text)}`, formatSeconds(seconds), output);
}

async function printStep(
  title: string,
  what: string,
  time: string,
  output: Output,
  ...details: readonly string[]
): Promise<void> {
  const { bold, dim } = output.style;
  const width = output.width - STEP_WIDTH;
  const lines = wrapWords(what, width);
  if (time !== '') {
    const last = lines.pop() ?? '';
    const suffix = `(${time})`;
    if (textWidth(last) + 2 + textWidth(suffix) <= width) lines.push(`${last}  ${dim(suffix)}`);
    else lines.push(last, dim(suffix));
  }
  lines.push(...details.flatMap((line) => wrapWords(line, width)).map(dim));
  for (const [index, line] of lines.entries()) {
    const start = (index === 0 ? title : '').padEnd(STEP_WIDTH);
    await output.writeLine(`${bold(start)}${line}`);
  }
}

/** Matches the finding in the filtering function's response, without the image and the request id. */
const FINDING = /\bwhich (.*?)(?:\. Lambda request id.*)?$/s;

/** Describes the decision of the filtering function, in the words of its response. */
export function describeFilter({ response }: FunctionRun<FilterResponse>): string {
  if (response === undefined) return 'failed';
  const [, finding = response.body] = FINDING.exec(response.body) ?? [];
  return printable(finding.replace(/\bSOCI repository image tag filter/, 'filter'));
}

/** Describes the result of the generator. */
export function describeGenerator({ response }: FunctionRun<GeneratorResponse>): string {
  if (response === undefined) return 'failed';
  if (response.outcome !== 'indexed') return `${response.outcome}: ${response.reason}`;
  const { built, reused, skipped } = response.layers;
  const reuse = reused > 0 ? ` (${pluralize(reused, 'zTOC')} reused)` : '';
  const indexed = `${built + reused} of ${pluralize(built + reused + skipped, 'layer')} indexed${reuse}`;
  return response.outputTag === undefined ? indexed : `${indexed} as ${response.outputTag}`;
}

/** Describes the time and memory of an invocation. */
function describeUsage({ milliseconds, initMilliseconds, maxMemory }: Invocation): string {
  return [
    formatSeconds(milliseconds / 1000),
    ...(initMilliseconds === undefined ? [] : [`cold start ${formatSeconds(initMilliseconds / 1000)}`]),
    ...(maxMemory === undefined ? [] : [formatBytes(maxMemory)]),
  ].join(', ');
}
