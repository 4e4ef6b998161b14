/** `npm run bench -- plan [--images N] [--write]`: plans a generated registry, and measures time, memory and requests. */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  type ListedImage,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  type RegistryCatalog,
} from '@soci/oci';
import { estimateRun, needsIndex, type PlannedImage, planRegistry, type StaleImage } from '@soci/registry-jobs';
import {
  BENCHMARKS_PAGE,
  bytesAtMost,
  formatSection,
  formatTable,
  megabytes,
  PLAN_SECTION,
  replaceSection,
} from '../report.ts';

const REPOSITORIES = 100;
const DEFAULT_IMAGES = 500_000;
const PAGE = 1000;
/** Compressed size of an image in bytes. */
const IMAGE_SIZE = 437e6;
const MAX_MEMORY = 1e9;

/** What a plan took. */
export interface PlanMeasurement {
  readonly images: number;
  /** Number of items to index. */
  readonly items: number;
  readonly requests: number;
  /** CPU time in seconds. */
  readonly cpu: number;
  /** Peak memory of the process in bytes. */
  readonly memory: number;
}

/** A registry as Amazon ECR lists it: 1,000 images per page. Every fourth image has a current index, every tenth of those a stale one. */
export class GeneratedCatalog implements RegistryCatalog {
  readonly lists = 'all';
  requests = 0;
  readonly #images: number;

  constructor(images: number) {
    this.#images = images;
  }

  async *repositories() {
    this.requests++;
    for (let number = 0; number < REPOSITORIES; number++) yield `team/app-${number}`;
  }

  async *images(repository: string) {
    let page: ListedImage[] = [];
    for (const image of this.#list(repository)) {
      page.push(image);
      if (page.length < PAGE) continue;
      this.requests++;
      yield page;
      page = [];
    }
    this.requests++;
    yield page;
  }

  *#list(repository: string): Generator<ListedImage> {
    const type = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, artifactType: MEDIA_TYPE_OCI_IMAGE_CONFIG };
    for (let number = 0; number < this.#images / REPOSITORIES; number++) {
      const tag = `build-${number}`;
      const pushedAt = 1_700_000_000_000 + number * 60_000;
      yield { digest: digestOf(`${repository}:${tag}`), tags: [tag], ...type, size: IMAGE_SIZE, pushedAt };
      if (number % 4 !== 0) continue;
      const later = number % 40 === 0 ? pushedAt - 1 : pushedAt + 1;
      yield { digest: digestOf(`${repository}:${tag}-soci`), tags: [`${tag}-soci`], size: IMAGE_SIZE, pushedAt: later };
    }
  }

  async *manifests(): AsyncGenerator<never> {
    this.requests++;
    yield* [];
  }

  async resolveTag() {
    return undefined;
  }

  async delete() {
    return [];
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Plans a generated registry in this process, and keeps the items as `backfill` does. */
export async function measurePlan(images: number): Promise<PlanMeasurement> {
  const catalog = new GeneratedCatalog(images);
  const before = process.cpuUsage();
  const items: (PlannedImage | StaleImage)[] = [];
  let planned = 0;
  for await (const report of planRegistry(catalog, catalog.repositories())) {
    if (report.outcome === 'failed') throw report.error;
    planned += report.images.length;
    for (const image of report.images) if (needsIndex(image)) items.push(image);
  }
  const { user, system } = process.cpuUsage(before);
  const memory = process.resourceUsage().maxRSS * 1024;
  return { images: planned, items: items.length, requests: catalog.requests, cpu: (user + system) / 1e6, memory };
}

/** Runs the benchmark. Returns the exit code. */
export async function benchPlan(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      images: { type: 'string', default: String(DEFAULT_IMAGES) },
      write: { type: 'boolean', default: false },
    },
  });
  const images = Number(values.images);
  if (!Number.isInteger(images) || images < REPOSITORIES) {
    console.error(`usage: npm run bench -- plan [--images N] [--write]; N is at least ${REPOSITORIES}`);
    return 2;
  }
  // The smaller one first: the peak of the memory is that of the process.
  const [half, whole] = [await measurePlan(images / 2), await measurePlan(images)];
  const report = describePlan([half, whole]);
  console.log(report);
  if (values.write) replaceSection(BENCHMARKS_PAGE, PLAN_SECTION, report);
  return whole.memory <= MAX_MEMORY ? 0 : 1;
}

function describePlan(measurements: readonly PlanMeasurement[]): string {
  const [first, last] = [measurements[0] as PlanMeasurement, measurements.at(-1) as PlanMeasurement];
  const rows = measurements.map(({ images, items, requests, cpu, memory }) => [
    images,
    items,
    requests,
    cpu.toFixed(1),
    megabytes(memory),
  ]);
  const hours = (jobs: number, putsPerSecond: number) => {
    const work = { images: last.items, bytes: last.items * IMAGE_SIZE };
    const billed = { memory: 1769, architecture: 'x86_64' } as const;
    const { seconds, usd, maxUsd } = estimateRun(work, { jobs, putsPerSecond, billed });
    return [putsPerSecond, jobs, (seconds / 3600).toFixed(1), Math.round(usd), Math.round(maxUsd)];
  };
  return formatSection({
    heading: PLAN_SECTION,
    setup: `A generated listing of ${REPOSITORIES} repositories, in which every fourth image has an index. No manifest is read: Amazon ECR lists ${PAGE} images with their push times per request. CPU is that of the plan and of the generated listing, without the network; memory is the peak of the process.`,
    tables: [
      formatTable(['images', 'to index', 'requests', 'CPU, s', 'peak memory, MB'], rows),
      `Projected for these images of ${IMAGE_SIZE / 1e6} MB on AWS, from published quotas and prices of us-east-1 (the first is the default PutImage quota; the last column adds a NAT gateway and Amazon Inspector, if they apply):`,
      formatTable(
        ['PutImage per second', 'functions at a time', 'hours', 'USD', 'USD at most'],
        [hours(10, 10), hours(30, 10), hours(300, 100)],
      ),
    ],
    targets: [
      bytesAtMost(MAX_MEMORY, last.memory, 'at most 1,000 MB of memory'),
      {
        goal: 'at most 3 times the CPU time for twice the images',
        isReached: last.cpu <= 3 * first.cpu,
        measured: `${(last.cpu / first.cpu).toFixed(2)} times`,
      },
    ],
  });
}
