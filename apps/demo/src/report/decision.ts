import { countOf, formatBytes, formatSeconds, printable } from '@soci/cli/internal';
import type { FilterAnswer, GeneratorAnswer } from '@soci/functions';
import type { Invocation } from '@soci/test-aws';
import type { Run } from '../workflow/event-story.ts';

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
  const indexed = `${built + reused} of ${countOf(built + reused + skipped, 'layer')} indexed${taken}`;
  return answer.outputTag === undefined ? indexed : `${indexed} as ${answer.outputTag}`;
}

/** What a run of a function took. */
export function describeRun({ milliseconds, initMilliseconds, maxMemory }: Invocation): string {
  return [
    formatSeconds(milliseconds / 1000),
    ...(initMilliseconds === undefined ? [] : [`cold start ${formatSeconds(initMilliseconds / 1000)}`]),
    ...(maxMemory === undefined ? [] : [formatBytes(maxMemory)]),
  ].join(', ');
}
