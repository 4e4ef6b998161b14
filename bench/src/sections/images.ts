import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Candidate, checkSameDigest, compare, ratioOf, spreadOf } from '../compare.ts';
import { CACHE } from '../data.ts';
import { imageLayout, layersOf, sizeOf } from '../made-image.ts';
import { type Command, isInstalled, type Measurement, ours } from '../measure.ts';
import { convertAnew, serveTestRegistry, startDockerRegistry } from '../registries/registries.ts';
import { atLeast, atMost, bytesAtMost, formatComparison, megabytes, type Section, times } from '../report.ts';

const MIN_IMAGE_GAIN = 4;
const MAX_THREAD_MEMORY = 60e6;

/** A whole image, from layout to layout. */
export async function benchImage(rounds: number, reference: string): Promise<Section> {
  const layout = await imageLayout();
  const out = join(CACHE, 'converted');
  const prepare = () => rmSync(out, { recursive: true, force: true });
  const convert = (jobs: string) =>
    ours('convert', '--quiet', '--compat', 'soci-cli', '--jobs', jobs, `oci:${layout}`, `oci:${out}`);
  const referenceCommand = { program: reference, arguments: ['index', '-v', '2', layout, out] };
  const printing = ours('convert', '--json', '--compat', 'soci-cli', `oci:${layout}`, `oci:${out}`);
  checkSameDigest(printing, referenceCommand, prepare);
  const candidates: Candidate[] = [
    { name: 'ours, 2 threads', command: convert('2') },
    { name: 'ours, 1 thread', command: convert('1') },
    { name: 'reference', command: referenceCommand },
  ];
  const comparison = await compare('image', candidates, rounds, prepare);
  const ratio = ratioOf(comparison, 'reference', 'ours, 2 threads', ({ wall }) => wall);
  const disk = spreadOf(comparison, 'ours, 2 threads', ({ temporaryDisk }) => temporaryDisk).max;
  const one = spreadOf(comparison, 'ours, 1 thread', ({ memory }) => memory).max;
  const two = spreadOf(comparison, 'ours, 2 threads', ({ memory }) => memory).max;
  return {
    heading: 'A whole image',
    setting: `An image of ${layersOf(layout)} layers, ${megabytes(sizeOf(layout))} MB, from an OCI layout folder to another, index version 2, the same digest on both sides.`,
    tables: [formatComparison(comparison, 'ours, 2 threads')],
    targets: [
      atLeast(MIN_IMAGE_GAIN, ratio, `the reference's wall time at least ${MIN_IMAGE_GAIN} times ours on 2 cores`),
      bytesAtMost(0, disk, 'no temporary disk beside the output'),
      {
        text: 'at most 60 MB more memory for a further thread',
        isReached: two - one <= MAX_THREAD_MEMORY,
        found: `${megabytes(one)} MB with one thread, ${megabytes(two)} MB with two`,
      },
    ],
  };
}

const MAX_REGISTRY_RATIO = 1.25;
const MIN_REGISTRY_GAIN = 4;
const NEEDED = ['docker-registry', 'skopeo', 'crane'] as const;

/** A whole image, from a registry to the same registry: pull, index and push. */
export async function benchRegistry(rounds: number, reference: string): Promise<Section> {
  const heading = 'An image in a registry';
  const missing = NEEDED.filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    return { heading, setting: `Not measured: ${missing.join(', ')} not found on PATH.`, tables: [], targets: [] };
  }
  const layout = await imageLayout();
  const registry = await startDockerRegistry(join(CACHE, 'registry'));
  try {
    const source = `${registry.host}/app:v1`;
    const destination = `${registry.host}/app:v1-soci`;
    execFileSync('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}`, `docker://${source}`]);
    registry.keep();
    const pulled = join(CACHE, 'pulled');
    const converted = join(CACHE, 'converted');
    const prepare = () => {
      registry.restore();
      rmSync(pulled, { recursive: true, force: true });
      rmSync(converted, { recursive: true, force: true });
    };
    const convert = ['convert', '--compat', 'soci-cli', '--jobs', '2'];
    const pull: Command = { program: 'crane', arguments: ['pull', '--insecure', '--format=oci', source, pulled] };
    const inLayout = ours(...convert, '--json', `oci:${layout}`, `oci:${converted}`);
    checkSameDigest(inLayout, { program: reference, arguments: ['index', '-v', '2', layout, converted] }, prepare);
    // The reference's layout does not list what it has made, but prints it; crane pushes only what a layout lists.
    const threeTools = shell(
      `crane pull --insecure --format=oci "$1" "$2" && roots=$("$3" index -v 2 "$2" "$4") &&
       printf '{"schemaVersion":2,"manifests":%s}' "$roots" >"$4/index.json" && crane push --insecure "$4" "$5"`,
      [source, pulled, reference, converted, destination],
    );
    const candidates: Candidate[] = [
      { name: 'ours, registry to registry', command: ours(...convert, '--quiet', source, destination) },
      { name: 'crane pull', command: pull },
      { name: 'ours, layout to layout', command: ours(...convert, '--quiet', `oci:${layout}`, `oci:${converted}`) },
      { name: 'crane pull, reference, crane push', command: threeTools },
    ];
    const comparison = await compare('registry', candidates, rounds, prepare);
    const [inRegistry, pulling, inLayouts, byThree] = comparison.names as [string, string, string, string];
    const wallOf = ({ wall }: Measurement) => wall;
    const isPullLarger = spreadOf(comparison, pulling, wallOf).median > spreadOf(comparison, inLayouts, wallOf).median;
    const larger = isPullLarger ? pulling : inLayouts;
    const above = ratioOf(comparison, inRegistry, larger, wallOf);
    const ratio = ratioOf(comparison, byThree, inRegistry, wallOf);
    const disk = spreadOf(comparison, inRegistry, ({ temporaryDisk }) => temporaryDisk).max;
    return {
      heading,
      setting: `The image of ${layersOf(layout)} layers, ${megabytes(sizeOf(layout))} MB, in Debian's \`docker-registry\` on loopback, on the same two cores. Each run finds the registry as it was before the first. From a layout both sides make the same digest; what the three tools push differs from ours by the \`artifactType\` that crane adds to the image's descriptor.`,
      tables: [formatComparison(comparison, inRegistry)],
      targets: [
        atMost(
          MAX_REGISTRY_RATIO,
          above,
          `pull, index and push in at most ${MAX_REGISTRY_RATIO} of the wall time of the larger of download alone and index alone, here ${larger}`,
        ),
        atLeast(
          MIN_REGISTRY_GAIN,
          ratio,
          `at least ${MIN_REGISTRY_GAIN} times faster than pulling, converting and pushing by three tools`,
        ),
        bytesAtMost(0, disk, 'no temporary disk'),
      ],
    };
  } finally {
    registry.stop();
  }
}

/** A command line of several programs; what stands in it as `$1` and on is given beside it. */
function shell(line: string, words: readonly string[]): Command {
  return { program: 'sh', arguments: ['-c', line, 'sh', ...words] };
}

const LATENCY_MS = 100;
const RATE = 50e6;
const MIN_BANDWIDTH = 0.9;

/** An image over a network with latency, each connection of which carries only so much. */
export async function benchSlowNetwork(rounds: number): Promise<Section> {
  const layout = await imageLayout();
  const size = sizeOf(layout);
  const registry = await serveTestRegistry(layout, { latency: LATENCY_MS, rate: RATE, redirects: true });
  try {
    const candidates: Candidate[] = [
      { name: 'ours, two layers at a time', command: convertAnew(registry, '--jobs', '2') },
      { name: 'ours, one layer at a time', command: convertAnew(registry, '--jobs', '1') },
    ];
    const comparison = await compare('slow network', candidates, rounds);
    const one = spreadOf(comparison, 'ours, one layer at a time', ({ wall }) => size / RATE / wall);
    const gain = ratioOf(comparison, 'ours, one layer at a time', 'ours, two layers at a time', ({ wall }) => wall);
    const memory = spreadOf(comparison, 'ours, two layers at a time', (measurement) => measurement.memory).max;
    return {
      heading: 'A slow network',
      setting: `The image of ${layersOf(layout)} layers, ${megabytes(size)} MB, in the test registry, in a process of its own: every answer takes ${LATENCY_MS} ms, the one that redirects a blob as well as the one that brings it, and a connection carries ${RATE / 1e6} MB/s. Registry to registry, everything read anew.`,
      tables: [formatComparison(comparison)],
      targets: [
        {
          text: `at least ${MIN_BANDWIDTH * 100} % of the bandwidth of one connection, one layer at a time and everything else included`,
          isReached: one.median >= MIN_BANDWIDTH,
          found: `${times(one)} of it, by several connections a layer where one is too slow; two layers at a time took ${times(gain)} times less`,
        },
        bytesAtMost(250e6, memory, 'memory stays flat'),
      ],
    };
  } finally {
    registry.stop();
  }
}
