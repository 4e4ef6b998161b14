/**
 * `npm run reliability -- [--moments N] [--seed N] [--only FAULT]...`: converts an image in the test registry again and again, each
 * time with one fault at one random moment, and looks at what comes of it. Prints the result as Markdown and, when every
 * fault was tried, writes it to docs/reliability.md. Needs the built packages.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { CACHE } from '../data.ts';
import { imageLayout, layersOf, sizeOf } from '../made-image.ts';
import { describeMachine, formatTable, formatTargets, megabytes, writeReport } from '../report.ts';
import { convertUnderFault, type Ending } from './convert-under-fault.ts';
import { chooseMoment, FAULT_KINDS, type FaultKind, seededRandom } from './faults.ts';

const REPORT = new URL('../../../docs/reliability.md', import.meta.url);
/** Runs for each moment, at most, until as many have met their fault as there are to be moments. */
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
    const endings = await tryAll(registry, layout, { moments, seed, only });
    const setting = `An image of ${layersOf(layout)} layers, ${megabytes(sizeOf(layout))} MB`;
    const report = [introduction(setting, moments, seed), table(endings), judge(endings)].join('\n\n');
    console.log(report);
    if (only.length === names.length) writeReport(REPORT, report);
    const isFine = ({ verdict, incomplete }: Ending) => verdict !== 'wrong' && incomplete.length === 0;
    return [...endings.values()].flat().every(isFine) ? 0 : 1;
  } finally {
    await registry.stop();
    rmSync(join(CACHE, 'test-registry'), { recursive: true, force: true });
  }
}

async function tryAll(
  registry: TestRegistry,
  layout: string,
  { moments, seed, only }: { moments: number; seed: number; only: readonly string[] },
): Promise<Map<string, Ending[]>> {
  const source = { repository: 'app', tag: 'v1' };
  await registry.loadLayout(source.repository, layout, source.tag);
  // Each run has a repository of its own to write to, so that it has as much to do as the first.
  let runs = 0;
  const destination = () => ({ repository: `run-${++runs}/app`, tag: 'v1-soci' });
  registry.clearRequests();
  const first = destination();
  const undisturbed = await convertUnderFault(registry, { source, destination: first, expected: undefined }, undefined);
  if (undisturbed.verdict !== 'identical') throw new Error(`the undisturbed run failed: ${undisturbed.detail}`);
  const expected = registry.manifest(first.repository, first.tag)?.digest;
  const requests = [...registry.requests];

  const endings = new Map<string, Ending[]>();
  for (const kind of FAULT_KINDS.filter(({ name }) => only.includes(name))) {
    // A seed of each kind's own: one kind alone meets the moments that it meets among all.
    const random = seededRandom(seed * 1000 + names.indexOf(kind.name));
    const ended: Ending[] = [];
    for (let moment = 0, tries = 0; moment < moments; tries++) {
      const rule = chooseMoment(kind, requests, random);
      registry.clearRequests();
      const ending = await convertUnderFault(registry, { source, destination: destination(), expected }, rule);
      tell(kind, moment, ending);
      // How many parts a layer is read in depends on the moment's speed: a request that is not made this time meets nothing.
      const isMet = ending.hits > 0 || ending.verdict !== 'identical';
      if (!isMet && tries < moments * MAX_TRIES) continue;
      ended.push(ending);
      moment++;
    }
    endings.set(kind.name, ended);
  }
  return endings;
}

function tell({ name }: FaultKind, moment: number, { verdict, detail, hits, seconds, incomplete }: Ending): void {
  const words = [`${name}, moment ${moment + 1}: ${verdict}`, detail, `${hits} hits, ${seconds.toFixed(1)} s`];
  process.stderr.write(`${[...words, ...incomplete].filter((word) => word !== '').join('; ')}\n`);
}

function introduction(setting: string, moments: number, seed: number): string {
  return `# Reliability

Written by \`npm run reliability -- --moments ${moments} --seed ${seed}\`. ${setting}, is converted from the test registry into another repository of it, by the command line,
with Bearer tokens, and with blobs redirected to signed addresses on a second port; each time one fault happens at one random moment: to
a random request of those that it can happen to, at a random byte. At each push every tag of the repository that is written to is looked at: does all that it leads to exist?
A stall counts as one after 2 s here (30 s by default).

Machine: ${describeMachine()}.`;
}

function table(endings: ReadonlyMap<string, readonly Ending[]>): string {
  const rows = [...endings].map(([name, ended]) => {
    const count = (verdict: Ending['verdict']) => ended.filter((ending) => ending.verdict === verdict).length;
    const codes = new Set(ended.flatMap(({ verdict, detail }) => (verdict === 'refused' ? [`\`${detail}\``] : [])));
    const longest = Math.max(...ended.map(({ seconds }) => seconds));
    const met = ended.filter(({ hits }) => hits > 0).length;
    const cells = [name, met, count('identical'), count('refused'), [...codes].join(', ') || '-', count('wrong')];
    return [...cells, ended.filter(({ incomplete }) => incomplete.length > 0).length, longest.toFixed(1)];
  });
  const head = [
    'fault',
    'runs that met it',
    'identical result',
    'clear error',
    'its code',
    'anything else',
    'a tag with something missing',
    'longest run, s',
  ];
  return formatTable(head, rows, [head.indexOf('its code')]);
}

function judge(endings: ReadonlyMap<string, readonly Ending[]>): string {
  const all = [...endings.values()].flat();
  const wrong = all.filter(({ verdict }) => verdict === 'wrong').length;
  const incomplete = all.filter((ending) => ending.incomplete.length > 0).length;
  return formatTargets([
    {
      text: 'every run ends with the identical result or a clear error',
      isReached: wrong === 0,
      found: `${wrong} of ${all.length} did not`,
    },
    {
      text: 'no tag ever led to something incomplete',
      isReached: incomplete === 0,
      found: `${incomplete} of ${all.length} runs with one`,
    },
  ]);
}
