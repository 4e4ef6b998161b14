/**
 * `npm run reliability -- [--moments N] [--seed N] [--only FAULT]...`: converts an image in the test registry repeatedly, each time with
 * one fault at one random moment, and checks the result. Prints a report as Markdown. A run with all faults also writes
 * docs/reliability.md. Requires the built packages.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { CACHE } from '../data.ts';
import { countLayers, imageLayout, layoutSize } from '../generate-image.ts';
import { describeMachine, formatTable, formatTargets, megabytes, writeReport } from '../report.ts';
import { convertWithFault, type RunResult } from './convert-with-fault.ts';
import { chooseMoment, FAULT_KINDS, type FaultKind, seededRandom } from './faults.ts';

const REPORT = new URL('../../../docs/reliability.md', import.meta.url);
/** Maximum runs per moment. A run whose fault affected no request is repeated. */
const MAX_TRIES = 5;

const names = FAULT_KINDS.map(({ name }) => name);
const { values } = parseArgs({
  options: {
    moments: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true, default: names },
  },
});

process.exitCode = await main(Number(values.moments), Number(values.seed), values.only);

async function main(moments: number, seed: number, only: readonly string[]): Promise<number> {
  if (!(moments >= 1) || !Number.isSafeInteger(seed) || only.some((name) => !names.includes(name))) {
    console.error(`usage: npm run reliability -- [--moments N] [--seed N] [--only '${names.join("'|'")}']...`);
    return 2;
  }
  const layout = await imageLayout();
  const registry = await startTestRegistry({
    auth: { bearer: { user: { username: 'builder', password: 'correct horse' } } },
    redirects: true,
    folder: join(CACHE, 'test-registry'),
  });
  try {
    const results = await runAll(registry, layout, { moments, seed, only });
    const image = `an image of ${countLayers(layout)} layers, ${megabytes(layoutSize(layout))} MB`;
    const report = [introduction(results, image, moments, seed), table(results), targets(results)].join('\n\n');
    console.log(report);
    if (only.length === names.length) writeReport(REPORT, report);
    const isCorrect = ({ outcome, missing }: RunResult) => outcome !== 'wrong' && missing.length === 0;
    return [...results.values()].flat().every(isCorrect) ? 0 : 1;
  } finally {
    await registry.stop();
    rmSync(join(CACHE, 'test-registry'), { recursive: true, force: true });
  }
}

async function runAll(
  registry: TestRegistry,
  layout: string,
  { moments, seed, only }: { moments: number; seed: number; only: readonly string[] },
): Promise<Map<string, RunResult[]>> {
  const source = { repository: 'app', tag: 'v1' };
  await registry.loadLayout(source.repository, layout, source.tag);
  // Each run writes to another repository, so that it does as much work as the first.
  let runNumber = 0;
  const destination = () => ({ repository: `run-${++runNumber}/app`, tag: 'v1-soci' });
  registry.clearRequests();
  const first = destination();
  const reference = await convertWithFault(registry, { source, destination: first, expected: undefined }, undefined);
  if (reference.outcome !== 'identical') throw new Error(`the run without faults failed: ${reference.detail}`);
  const expected = registry.manifest(first.repository, first.tag)?.digest;
  const requests = [...registry.requests];

  const results = new Map<string, RunResult[]>();
  for (const kind of FAULT_KINDS.filter(({ name }) => only.includes(name))) {
    // One seed for each kind: with --only, a kind meets the same moments as in a run of all kinds.
    const random = seededRandom(seed * 1000 + names.indexOf(kind.name));
    const runs: RunResult[] = [];
    for (let moment = 0, tries = 0; moment < moments; tries++) {
      const rule = chooseMoment(kind, requests, random);
      registry.clearRequests();
      const result = await convertWithFault(registry, { source, destination: destination(), expected }, rule);
      logResult(kind, moment, result);
      // The number of requests for a layer depends on the speed at the time, so the chosen request may not occur.
      const hasFault = result.hits > 0 || result.outcome !== 'identical';
      if (!hasFault && tries < moments * MAX_TRIES) continue;
      runs.push(result);
      moment++;
    }
    results.set(kind.name, runs);
  }
  return results;
}

function logResult({ name }: FaultKind, moment: number, { outcome, detail, hits, seconds, missing }: RunResult): void {
  const parts = [`${name}, moment ${moment + 1}: ${outcome}`, detail, `${hits} hits, ${seconds.toFixed(1)} s`];
  process.stderr.write(`${[...parts, ...missing].filter((part) => part !== '').join('; ')}\n`);
}

type Results = ReadonlyMap<string, readonly RunResult[]>;

function countRuns(runs: readonly RunResult[], outcome: RunResult['outcome']): number {
  return runs.filter((run) => run.outcome === outcome).length;
}

function introduction(results: Results, image: string, moments: number, seed: number): string {
  const all = [...results.values()].flat();
  return `# Reliability

What happens if a registry, proxy or network fails during a conversion? Of ${all.length} runs with one fault each, ${countRuns(all, 'identical')} ended with
the identical result, ${countRuns(all, 'error')} with a clear error, and ${countRuns(all, 'wrong')} with anything else.

\`npm run reliability -- --moments ${moments} --seed ${seed}\` writes this page. The command line converts ${image}, from one repository of the
test registry to another, with Bearer tokens and with blobs redirected to signed URLs on a second port. Each run has one fault at a
random moment: in a random request that it can affect, at a random byte. After every push, a check verifies that everything exists
that the tags of the destination refer to. The stall timeout is 2 s here (30 s by default).

Machine: ${describeMachine()}.`;
}

function table(results: Results): string {
  const rows = [...results].map(([name, runs]) => {
    const codes = new Set(runs.flatMap(({ outcome, detail }) => (outcome === 'error' ? [`\`${detail}\``] : [])));
    return [
      name,
      runs.filter(({ hits }) => hits > 0).length,
      countRuns(runs, 'identical'),
      countRuns(runs, 'error'),
      [...codes].join(', ') || '-',
      countRuns(runs, 'wrong'),
      runs.filter(({ missing }) => missing.length > 0).length,
      Math.max(...runs.map(({ seconds }) => seconds)).toFixed(1),
    ];
  });
  const head = [
    'fault',
    'runs with the fault',
    'identical result',
    'clear error',
    'error codes',
    'anything else',
    'runs with an incomplete tag',
    'longest run, s',
  ];
  return formatTable(head, rows, [head.indexOf('error codes')]);
}

function targets(results: Results): string {
  const all = [...results.values()].flat();
  const wrong = countRuns(all, 'wrong');
  const incomplete = all.filter(({ missing }) => missing.length > 0).length;
  return formatTargets([
    {
      goal: 'every run ends with the identical result or a clear error',
      isReached: wrong === 0,
      measured: `${wrong} of ${all.length} runs did not`,
    },
    {
      goal: 'no tag ever refers to an incomplete image',
      isReached: incomplete === 0,
      measured: `${incomplete} of ${all.length} runs had one`,
    },
  ]);
}
