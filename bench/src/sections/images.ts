import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Candidate, checkSameDigest, compare, ratioOf, spreadOf } from '../compare.ts';
import { CACHE } from '../data.ts';
import { countLayers, imageLayout, layoutSize } from '../generate-image.ts';
import { buildCrane, type Command, isInstalled, type Measurement, sociIndex } from '../measure.ts';
import { forceConvert, serveTestRegistry, startDockerRegistry } from '../registries/registries.ts';
import { atLeast, atMost, bytesAtMost, formatComparison, formatSpread, megabytes, type Section } from '../report.ts';

const MIN_IMAGE_GAIN = 3.6;
const MAX_THREAD_MEMORY = 60e6;

/** Measures a whole image, from layout to layout. */
export async function benchImage(rounds: number, reference: string): Promise<Section> {
  const layout = await imageLayout();
  const out = join(CACHE, 'converted');
  const prepare = () => rmSync(out, { recursive: true, force: true });
  const convert = (jobs: string) =>
    sociIndex('convert', '--quiet', '--compat', 'soci-cli', '--jobs', jobs, `oci:${layout}`, `oci:${out}`);
  const referenceCommand = { program: reference, arguments: ['index', '-v', '2', layout, out] };
  const printing = sociIndex('convert', '--json', '--compat', 'soci-cli', `oci:${layout}`, `oci:${out}`);
  checkSameDigest(printing, referenceCommand, prepare);
  const candidates: Candidate[] = [
    { name: 'soci-index, 2 threads', command: convert('2') },
    { name: 'soci-index, 1 thread', command: convert('1') },
    { name: 'reference', command: referenceCommand },
  ];
  const comparison = await compare('image', candidates, rounds, prepare);
  const ratio = ratioOf(comparison, 'reference', 'soci-index, 2 threads', ({ wall }) => wall);
  const disk = spreadOf(comparison, 'soci-index, 2 threads', ({ temporaryDisk }) => temporaryDisk).max;
  const one = spreadOf(comparison, 'soci-index, 1 thread', ({ memory }) => memory).max;
  const two = spreadOf(comparison, 'soci-index, 2 threads', ({ memory }) => memory).max;
  return {
    heading: 'A whole image',
    summary: `For a whole image, the reference needs ${ratio.median.toFixed(2)} times the wall time of soci-index.`,
    setup: `An image of ${countLayers(layout)} layers, ${megabytes(layoutSize(layout))} MB, converted from one OCI layout to another, with index version 2. Both results have the same digest.`,
    tables: [formatComparison(comparison, 'soci-index, 2 threads')],
    targets: [
      atLeast(
        MIN_IMAGE_GAIN,
        ratio,
        `the reference needs at least ${MIN_IMAGE_GAIN} times the wall time of soci-index on 2 cores`,
      ),
      bytesAtMost(0, disk, 'no temporary disk space in addition to the output'),
      {
        goal: 'at most 60 MB more memory for a second thread',
        isReached: two - one <= MAX_THREAD_MEMORY,
        measured: `${megabytes(one)} MB with one thread, ${megabytes(two)} MB with two`,
      },
    ],
  };
}

const MAX_REGISTRY_RATIO = 1.25;
const MIN_REGISTRY_GAIN = 3.5;
const NEEDED = ['docker-registry', 'skopeo'] as const;

/** Measures a whole image within one registry: pull, index and push. */
export async function benchRegistry(rounds: number, reference: string): Promise<Section> {
  const heading = 'An image in a registry';
  const missing: string[] = NEEDED.filter((program) => !isInstalled(program));
  const crane = missing.length === 0 ? buildCrane() : undefined;
  if (crane === undefined) {
    const reason =
      missing.length > 0
        ? `${missing.join(' and ')} not found on PATH. Install them (Debian: apt-get install ${NEEDED.join(' ')})`
        : 'crane cannot be built. Its modules are downloaded: check that Go reaches its module proxy';
    console.error(`skipped: registry: ${reason}`);
    return { heading, setup: `Not measured: ${reason}.`, tables: [], targets: [] };
  }
  const layout = await imageLayout();
  const registry = await startDockerRegistry(join(CACHE, 'registry'));
  try {
    const source = `${registry.host}/app:v1`;
    const destination = `${registry.host}/app:v1-soci`;
    execFileSync('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}`, `docker://${source}`]);
    registry.saveStore();
    const pulled = join(CACHE, 'pulled');
    const converted = join(CACHE, 'converted');
    const prepare = () => {
      registry.restoreStore();
      rmSync(pulled, { recursive: true, force: true });
      rmSync(converted, { recursive: true, force: true });
    };
    const convert = ['convert', '--compat', 'soci-cli', '--jobs', '2'];
    const pull: Command = { program: crane, arguments: ['pull', '--insecure', '--format=oci', source, pulled] };
    const inLayout = sociIndex(...convert, '--json', `oci:${layout}`, `oci:${converted}`);
    checkSameDigest(inLayout, { program: reference, arguments: ['index', '-v', '2', layout, converted] }, prepare);
    // The reference prints its result without listing it in the layout's index, and crane pushes only listed manifests.
    const threeTools = shell(
      `"$6" pull --insecure --format=oci "$1" "$2" && roots=$("$3" index -v 2 "$2" "$4") &&
       printf '{"schemaVersion":2,"manifests":%s}' "$roots" >"$4/index.json" && "$6" push --insecure "$4" "$5"`,
      [source, pulled, reference, converted, destination, crane],
    );
    const candidates: Candidate[] = [
      { name: 'soci-index, registry to registry', command: sociIndex(...convert, '--quiet', source, destination) },
      { name: 'crane pull', command: pull },
      {
        name: 'soci-index, layout to layout',
        command: sociIndex(...convert, '--quiet', `oci:${layout}`, `oci:${converted}`),
      },
      { name: 'crane pull, reference, crane push', command: threeTools },
    ];
    const comparison = await compare('registry', candidates, rounds, prepare);
    const [inRegistry, pullOnly, inLayouts, threeToolsName] = comparison.names as [string, string, string, string];
    const wallOf = ({ wall }: Measurement) => wall;
    const isPullSlower = spreadOf(comparison, pullOnly, wallOf).median > spreadOf(comparison, inLayouts, wallOf).median;
    const slower = isPullSlower ? pullOnly : inLayouts;
    const registryRatio = ratioOf(comparison, inRegistry, slower, wallOf);
    const ratio = ratioOf(comparison, threeToolsName, inRegistry, wallOf);
    const disk = spreadOf(comparison, inRegistry, ({ temporaryDisk }) => temporaryDisk).max;
    return {
      heading,
      setup: `The image of ${countLayers(layout)} layers, ${megabytes(layoutSize(layout))} MB, in Debian's \`docker-registry\` on loopback, on the same two cores. The registry is reset before each run. In layouts, soci-index and the reference produce the same digest. In the registry, the result of the three tools differs by the \`artifactType\` that crane adds to the image's descriptor.`,
      tables: [formatComparison(comparison, inRegistry)],
      targets: [
        atMost(
          MAX_REGISTRY_RATIO,
          registryRatio,
          `pull, index and push need at most ${MAX_REGISTRY_RATIO} times the wall time of the slower of downloading and indexing alone, here "${slower}"`,
        ),
        atLeast(
          MIN_REGISTRY_GAIN,
          ratio,
          `at least ${MIN_REGISTRY_GAIN} times faster than pull, conversion and push with three tools`,
        ),
        bytesAtMost(0, disk, 'no temporary disk space'),
      ],
    };
  } finally {
    registry.stop();
  }
}

/** Returns a shell command. `words` are its `$1` and following. */
function shell(line: string, words: readonly string[]): Command {
  return { program: 'sh', arguments: ['-c', line, 'sh', ...words] };
}

const LATENCY_MS = 100;
const RATE = 50e6;
const MIN_BANDWIDTH = 0.9;

/** Measures an image over a network with latency and limited bandwidth per connection. */
export async function benchSlowNetwork(rounds: number): Promise<Section> {
  const layout = await imageLayout();
  const size = layoutSize(layout);
  const registry = await serveTestRegistry(layout, { latency: LATENCY_MS, rate: RATE, redirects: true });
  try {
    const candidates: Candidate[] = [
      { name: 'soci-index, two layers at a time', command: forceConvert(registry, '--jobs', '2') },
      { name: 'soci-index, one layer at a time', command: forceConvert(registry, '--jobs', '1') },
    ];
    const comparison = await compare('slow network', candidates, rounds);
    const one = spreadOf(comparison, 'soci-index, one layer at a time', ({ wall }) => size / RATE / wall);
    const gain = ratioOf(
      comparison,
      'soci-index, one layer at a time',
      'soci-index, two layers at a time',
      ({ wall }) => wall,
    );
    const memory = spreadOf(comparison, 'soci-index, two layers at a time', (measurement) => measurement.memory).max;
    return {
      heading: 'A slow network',
      setup: `The image of ${countLayers(layout)} layers, ${megabytes(size)} MB, converted within the test registry in a separate process. Every response takes ${LATENCY_MS} ms, including redirects, and each connection carries ${RATE / 1e6} MB/s. Nothing from earlier runs is reused.`,
      tables: [formatComparison(comparison)],
      targets: [
        {
          goal: `one layer at a time, the whole run uses at least ${MIN_BANDWIDTH * 100} % of one connection's bandwidth`,
          isReached: one.median >= MIN_BANDWIDTH,
          measured: `${formatSpread(one)} times that bandwidth, because a layer uses several connections if one is too slow; two layers at a time are ${formatSpread(gain)} times faster`,
        },
        bytesAtMost(250e6, memory, 'peak memory at most 250 MB'),
      ],
    };
  } finally {
    registry.stop();
  }
}
