/**
 * `npm run bench -- lambda [--only IMAGE]... [--memory MB]... [--runs N] [--write]`: runs the generator's zip as AWS Lambda does, with
 * the memory and the processor time that Lambda gives for each memory size, and computes what 1,000 images cost.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GENERATOR_BUNDLE } from '@soci/functions';
import { type Invocation, makeFunctionCgroup, startTestLambda } from '@soci/test-aws';
import { LARGE_IMAGE, type LayerRecipe, USUAL_IMAGE, writeImage } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { CACHE } from '../data.ts';
import { layoutSize } from '../generate-image.ts';
import { BENCHMARKS_PAGE, LAMBDA_SECTION, replaceSection } from '../report.ts';
import { formatLambda, type ImageMeasurements, type LambdaMeasurement, vcpusOf } from './report.ts';

/** Images by the name for `--only`, the same as those of `npm run test:lambda`. */
const IMAGES: Readonly<Record<string, { readonly title: string; readonly recipes: readonly LayerRecipe[] }>> = {
  usual: { title: '437 MB', recipes: USUAL_IMAGE },
  large: { title: '6 GB', recipes: LARGE_IMAGE },
};

/** Memory sizes in MB: small ones, that of one vCPU, the largest one of accounts with the former limit, and the maximum. */
const MEMORY_SIZES = ['512', '1024', '1769', '3008', '10240'];

const MIB = 2 ** 20;
/** Timeout of an invocation, in seconds. */
const TIMEOUT = 900;

/** Runs the benchmark. Returns the exit code. */
export async function benchLambda(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: Object.keys(IMAGES) },
      memory: { type: 'string', multiple: true, default: MEMORY_SIZES },
      runs: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  const sizes = values.memory.map(Number);
  const isKnown = values.only.every((name) => name in IMAGES);
  if (!isKnown || !(runs >= 1) || !sizes.every((size) => Number.isInteger(size) && size >= 256 && size <= 10_240)) {
    console.error(
      `usage: npm run bench -- lambda [--only ${Object.keys(IMAGES).join('|')}]... [--memory MB]... [--runs N] [--write]`,
    );
    return 2;
  }
  const probe = makeFunctionCgroup({ memory: 512 * MIB, processors: 1 });
  if (probe === undefined) {
    console.log('skipped: cannot create a control group. Run as root, outside of a container');
    return 0;
  }
  probe.remove();
  const images: ImageMeasurements[] = [];
  for (const name of values.only) images.push(await measureImage(name, sizes, runs));
  const report = formatLambda(images);
  console.log(report);
  if (values.write) replaceSection(BENCHMARKS_PAGE, LAMBDA_SECTION, report);
  return 0;
}

/** Measures an image with each memory size. The sizes alternate, and the run with the least CPU time counts. */
async function measureImage(name: string, sizes: readonly number[], runs: number): Promise<ImageMeasurements> {
  const { title, recipes } = IMAGES[name] as (typeof IMAGES)[string];
  const layout = await layoutOf(name, recipes);
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'lambda-registry-'));
  const registry = await startTestRegistry({ auth: 'ecr', ecr: true, redirects: true, tls: true, folder });
  try {
    const authority = join(folder, 'ca.pem');
    writeFileSync(authority, registry.ca ?? '');
    const environment = {
      soci_registry_host: registry.host,
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      NODE_EXTRA_CA_CERTS: authority,
    };
    const best = new Map<number, LambdaMeasurement>();
    for (let run = 0; run < runs; run++) {
      for (const memory of sizes) {
        const repository = `${name}/${memory}-${run}`;
        const digest = await registry.loadLayout(repository, layout, 'v1');
        const measured = await invokeGenerator(memory, environment, pushOf(repository, digest));
        process.stderr.write(
          `${title}, ${memory} MB: ${measured.cpu.toFixed(2)} s CPU, ${measured.seconds.toFixed(2)} s\n`,
        );
        if (measured.cpu < (best.get(memory)?.cpu ?? Number.POSITIVE_INFINITY)) best.set(memory, measured);
      }
    }
    return { title, bytes: layoutSize(layout), measurements: [...best.values()] };
  } finally {
    await registry.stop();
    rmSync(folder, { recursive: true });
  }
}

async function layoutOf(name: string, recipes: readonly LayerRecipe[]): Promise<string> {
  const target = join(CACHE, `lambda-${name}`);
  if (existsSync(target)) return target;
  const part = `${target}.part`;
  rmSync(part, { recursive: true, force: true });
  await writeImage(part, recipes);
  renameSync(part, target);
  return target;
}

/** Runs the generator once, from the start of its process. */
async function invokeGenerator(
  memory: number,
  environment: Readonly<Record<string, string>>,
  event: object,
): Promise<LambdaMeasurement> {
  const processors = vcpusOf(memory);
  const cgroup = makeFunctionCgroup({
    memory: memory * MIB,
    ...(processors < availableParallelism() && { processors }),
  });
  if (cgroup === undefined) throw new Error('cannot create a control group');
  const lambda = await startTestLambda();
  try {
    const { folder, handler } = GENERATOR_BUNDLE;
    const { launcher } = cgroup;
    const limits = { memorySize: memory, timeout: TIMEOUT, launcher };
    lambda.createFunction({ name: 'generator', folder, handler, environment, ...limits });
    const invocation = await lambda.invoke('generator', event);
    checkIndexed(invocation);
    const { initMilliseconds = 0, milliseconds, maxMemory = Number.NaN } = invocation;
    return {
      memory,
      seconds: (initMilliseconds + milliseconds) / 1000,
      cpu: cgroup.processorSeconds(),
      peak: maxMemory,
    };
  } finally {
    await lambda.stop();
    cgroup.remove();
  }
}

function checkIndexed({ outcome, log }: Invocation): void {
  const result = outcome.status === 'success' ? (outcome.result as { readonly outcome?: string }) : undefined;
  if (result?.outcome !== 'indexed') throw new Error(`${JSON.stringify(outcome)}\n${log.join('\n')}`);
}

/** Returns the event of Amazon ECR for a pushed image. */
function pushOf(repository: string, digest: string): object {
  return {
    version: '0',
    id: '13cde686-328b-6117-af20-0e5566167482',
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    time: '2026-11-30T00:00:00Z',
    region: 'us-east-1',
    resources: [],
    detail: {
      result: 'SUCCESS',
      'repository-name': repository,
      'image-digest': digest,
      'action-type': 'PUSH',
      'image-tag': 'v1',
      'manifest-media-type': 'application/vnd.oci.image.index.v1+json',
    },
  };
}
