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
import type { FilterAnswer, GeneratorAnswer } from '@soci/functions';
import type { Invocation } from '@soci/test-aws';
import type { DemoImage } from '../image/demo-image.ts';
import type { Proof, ReadingCost } from '../proof.ts';
import type { RegistryStep } from '../repository-round.ts';
import {
  describeFailure,
  type EventTrace,
  FILTER,
  GENERATOR,
  imageOf,
  isOfRegistry,
  RULE,
  type Run,
} from '../workflow/event-trace.ts';

const STEP_WIDTH = 10;

/** Tells of the image that was made. */
export async function tellImage({ files, size, titles, folder, seconds }: DemoImage, output: Output): Promise<void> {
  const when = seconds === undefined ? 'made by an earlier run' : formatSeconds(seconds);
  const what = `${pluralize(files, 'file')} of this machine, ${formatBytes(size)}, in ${pluralize(titles.length, 'layer')}`;
  await tellStep('Image', what, when, output, folder);
}

/** Tells what stands in for AWS. */
export async function tellDeployment(filters: string, seconds: number, output: Output): Promise<void> {
  const what = `a registry as Amazon ECR, an event rule and two Lambda functions, on this machine; filters "${filters}"`;
  await tellStep('Deploy', what, formatSeconds(seconds), output, `${RULE}, ${FILTER}, ${GENERATOR}`);
}

/** Tells how the image came into the registry. */
export async function tellPush(
  { bytesIn, requests, seconds }: RegistryStep,
  place: string,
  output: Output,
): Promise<void> {
  const what = `${formatBytes(bytesIn)} in ${pluralize(requests, 'request')}`;
  await tellStep('Push', what, formatSeconds(seconds), output, place);
}

/** Tells of the event of a push, and of whom it reached. */
export async function tellEvent({ event, rules }: EventTrace, output: Output): Promise<void> {
  const action = String(event.detail['action-type']);
  const reached = rules.includes(RULE) ? 'the rule lets it through' : 'the rule does not let it through';
  await tellStep('Event', `${event['detail-type']}: ${action} of ${printable(imageOf(event))}; ${reached}`, '', output);
}

/** Tells what the filtering function has decided. */
export async function tellFilter(run: Run<FilterAnswer>, output: Output): Promise<void> {
  const { invocation, answer } = run;
  const action = answer?.body.startsWith('Successfully invoked') ? '; generator invoked' : '';
  await tellStep('Filter', `${describeFilter(run)}${action}`, describeRun(invocation), output);
}

/** Tells what the generator has come to, and what that took. */
export async function tellGenerator(
  run: Run<GeneratorAnswer>,
  { bytesIn, requests }: RegistryStep,
  output: Output,
): Promise<void> {
  const { invocation, answer } = run;
  const more =
    answer?.outcome === 'indexed'
      ? `${formatBytes(answer.bytesRead)} of layers read once, nothing on disk; ` +
        `${pluralize(answer.spansVerified, 'span')} read again to check; ` +
        `${formatBytes(bytesIn)} sent; ${pluralize(requests, 'request')}`
      : printable(answer?.message ?? describeFailure(invocation));
  await tellStep('Generate', describeGenerator(run), describeRun(invocation), output, more);
}

/** Tells of the events that the generator's own push has raised, and of the one that it has sent. */
export async function tellOwnEvents(traces: readonly EventTrace[], output: Output): Promise<void> {
  const [ready] = traces.filter(({ event }) => !isOfRegistry(event));
  if (ready) {
    const what = `event ${ready.event['detail-type']}, for whoever waits for ${printable(imageOf(ready.event))}`;
    await tellStep('Ready', what, '', output);
  }
  const own = traces.filter(({ event }) => isOfRegistry(event));
  const stopped = own.filter(({ rules }) => rules.length === 0).length;
  const what =
    `its own push has raised ${pluralize(own.length, 'event')} too: ` +
    `the rule stops ${stopped}, the filter ${own.length - stopped}`;
  await tellStep('No loop', what, '', output);
}

/** Tells of the files that were read back. */
export async function tellProof({ verification, seconds }: Proof, output: Output): Promise<void> {
  const { filesRead, spansRead } = countRead(verification);
  const what =
    verification.outcome === 'valid'
      ? `${pluralize(filesRead, 'file')} read back through ${pluralize(spansRead, 'span')}, every byte right`
      : 'files do not read back right';
  await tellStep('Proof', what, formatSeconds(seconds), output);
}

/** Tells that an image which is indexed already is recognized. */
export async function tellAgain(
  run: Run<GeneratorAnswer>,
  { requests, bytesOut }: RegistryStep,
  output: Output,
): Promise<void> {
  const what = `the same event a second time: ${describeGenerator(run)}, in ${pluralize(requests, 'request')} and ${formatBytes(bytesOut)}`;
  await tellStep('Again', what, describeRun(run.invocation), output);
}

/** Tells what it took to read one file out of the registry. */
export async function tellReading(
  { name, size }: ReadingCost,
  { requests, bytesOut, seconds }: RegistryStep,
  imageSize: number,
  output: Output,
): Promise<void> {
  const what = `${formatBytes(bytesOut)} (${formatPercent(bytesOut, imageSize)} of the image) in ${pluralize(requests, 'request')}, the list of files with it`;
  await tellStep('Read', what, formatSeconds(seconds), output, `${printable(name)}, ${formatBytes(size)}`);
}

async function tellStep(
  title: string,
  what: string,
  time: string,
  output: Output,
  ...more: readonly string[]
): Promise<void> {
  const { bold, dim } = output.style;
  const width = output.width - STEP_WIDTH;
  const lines = wrapWords(what, width);
  if (time !== '') {
    const last = lines.pop() ?? '';
    const took = `(${time})`;
    if (textWidth(last) + 2 + textWidth(took) <= width) lines.push(`${last}  ${dim(took)}`);
    else lines.push(last, dim(took));
  }
  lines.push(...more.flatMap((line) => wrapWords(line, width)).map(dim));
  for (const [index, line] of lines.entries()) {
    const start = (index === 0 ? title : '').padEnd(STEP_WIDTH);
    await output.writeLine(`${bold(start)}${line}`);
  }
}

/** In the filtering function's answer: what it has found, without the image, which is known, and the id of the request. */
const FINDING = /\bwhich (.*?)(?:\. Lambda request id.*)?$/s;

/** What the filtering function has decided, in its own words. */
export function describeFilter({ answer }: Run<FilterAnswer>): string {
  if (answer === undefined) return 'failed';
  const [, finding = answer.body] = FINDING.exec(answer.body) ?? [];
  return printable(finding.replace(/\bSOCI repository image tag filter/, 'filter'));
}

/** What the generator has come to. */
export function describeGenerator({ answer }: Run<GeneratorAnswer>): string {
  if (answer === undefined) return 'failed';
  if (answer.outcome !== 'indexed') return `${answer.outcome}: ${answer.reason}`;
  const { built, reused, skipped } = answer.layers;
  const taken = reused > 0 ? `, ${reused} of them by indexes that were there` : '';
  const indexed = `${built + reused} of ${pluralize(built + reused + skipped, 'layer')} indexed${taken}`;
  return answer.outputTag === undefined ? indexed : `${indexed} as ${answer.outputTag}`;
}

/** What a run of a function took. */
function describeRun({ milliseconds, initMilliseconds, maxMemory }: Invocation): string {
  return [
    formatSeconds(milliseconds / 1000),
    ...(initMilliseconds === undefined ? [] : [`cold start ${formatSeconds(initMilliseconds / 1000)}`]),
    ...(maxMemory === undefined ? [] : [formatBytes(maxMemory)]),
  ].join(', ');
}
