import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkAgreement } from '../agreement.ts';
import { holdContest, ratioOf, spreadOf } from '../contest.ts';
import { CACHE } from '../data.ts';
import { layersOf, sizeOf } from '../image-layout.ts';
import { imageLayout } from '../made-image.ts';
import type { Command } from '../measure.ts';
import { isInstalled, ours } from '../programs.ts';
import { startDockerRegistry } from '../registries/docker-registry.ts';
import { formatContest, megabytes, type Section, times } from '../report.ts';

const AT_MOST = 1.25;
const TO_REACH = 4;
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
    checkAgreement(inLayout, { program: reference, arguments: ['index', '-v', '2', layout, converted] }, prepare);
    // The reference's layout does not list what it has made, but prints it; crane pushes only what a layout lists.
    const threeTools = shell(
      `crane pull --insecure --format=oci "$1" "$2" && roots=$("$3" index -v 2 "$2" "$4") &&
       printf '{"schemaVersion":2,"manifests":%s}' "$roots" >"$4/index.json" && crane push --insecure "$4" "$5"`,
      [source, pulled, reference, converted, destination],
    );
    const contest = await holdContest(
      'registry',
      [
        { name: 'ours, registry to registry', command: ours(...convert, '--quiet', source, destination), prepare },
        { name: 'crane pull', command: pull, prepare },
        {
          name: 'ours, layout to layout',
          command: ours(...convert, '--quiet', `oci:${layout}`, `oci:${converted}`),
          prepare,
        },
        { name: 'crane pull, reference, crane push', command: threeTools, prepare },
      ],
      rounds,
    );
    prepare();
    const wall = (name: string) => spreadOf(contest, name, (measurement) => measurement.wall).median;
    const larger = wall('crane pull') > wall('ours, layout to layout') ? 'crane pull' : 'ours, layout to layout';
    const above = ratioOf(contest, 'ours, registry to registry', larger, (measurement) => measurement.wall);
    const ratio = ratioOf(
      contest,
      'crane pull, reference, crane push',
      'ours, registry to registry',
      (measurement) => measurement.wall,
    );
    const disk = spreadOf(contest, 'ours, registry to registry', ({ temporaryDisk }) => temporaryDisk).max;
    return {
      heading,
      setting: `The image of ${layersOf(layout)} layers, ${megabytes(sizeOf(layout))} MB, in Debian's \`docker-registry\` on loopback, on the same two cores. Each run finds the registry as it was before the first. From a layout both sides make the same digest; what the three tools push differs from ours by the \`artifactType\` that crane adds to the image's descriptor.`,
      tables: [formatContest(contest, 'ours, registry to registry')],
      targets: [
        {
          text: `pull, index and push in at most ${AT_MOST} of the wall time of the larger of download alone and index alone, here ${larger}`,
          isReached: above.median <= AT_MOST,
          found: times(above),
        },
        {
          text: `at least ${TO_REACH} times faster than pulling, converting and pushing by three tools`,
          isReached: ratio.median >= TO_REACH,
          found: times(ratio),
        },
        { text: 'no temporary disk', isReached: disk === 0, found: `${megabytes(disk)} MB` },
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
