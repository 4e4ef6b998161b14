import { RegistryJobsError } from '../errors.ts';

/** A list price, and where it comes from. */
export interface Price {
  /** Dollars for one unit. */
  readonly usd: number;
  /** In the plural. */
  readonly unit: string;
  readonly source: string;
}

/** Date of {@link PRICES}. */
export const PRICES_DATE = '2026-11-28';

/** List prices of us-east-1, without free tiers and discounts. */
export const PRICES = {
  lambdaX86: { usd: 0.0000166667, unit: 'GB-seconds', source: 'aws.amazon.com/lambda/pricing' },
  lambdaArm: { usd: 0.0000133334, unit: 'GB-seconds', source: 'aws.amazon.com/lambda/pricing' },
  lambdaRequests: { usd: 0.0000002, unit: 'requests', source: 'aws.amazon.com/lambda/pricing' },
  // 1 vCPU for $0.04048 and 2 GB of memory for $0.00889.
  fargateCpu: { usd: 0.04937, unit: 'vCPU-hours', source: 'aws.amazon.com/fargate/pricing' },
  stateTransitions: { usd: 0.000025, unit: 'state transitions', source: 'aws.amazon.com/step-functions/pricing' },
  ecrStorage: { usd: 0.1, unit: 'GB-months', source: 'aws.amazon.com/ecr/pricing' },
  transferOut: { usd: 0.09, unit: 'GB', source: 'aws.amazon.com/ecr/pricing' },
  natGateway: { usd: 0.045, unit: 'GB', source: 'aws.amazon.com/vpc/pricing' },
  inspectorImage: { usd: 0.09, unit: 'pushed images', source: 'aws.amazon.com/inspector/pricing' },
} as const satisfies Readonly<Record<string, Price>>;

/** The images that a run would index. */
export interface RunWork {
  /** Number of images. */
  readonly images: number;
  /** Compressed size of the images whose size is known, in bytes. */
  readonly bytes: number;
  /** Number of images whose size is unknown. They count as empty. @default 0 */
  readonly unknownSizes?: number;
}

/** How the images would be indexed. */
export interface RunSetting {
  /** Images at a time. */
  readonly jobs: number;
  /** Manifests that may be pushed per second. @default no limit */
  readonly putsPerSecond?: number;
  /** What has a price: nothing, a registry in Amazon ECR, or that and Lambda functions. @default 'nothing' */
  readonly billed?: 'nothing' | 'ecr' | LambdaSetting;
}

/** Functions that index. */
export interface LambdaSetting {
  /** Memory in MB. */
  readonly memory: number;
  readonly architecture: 'x86_64' | 'arm64';
}

/** Time and cost of a run. */
export interface RunEstimate {
  /** Number of manifests to push. */
  readonly puts: number;
  /** Duration in seconds: the larger of the two below. */
  readonly seconds: number;
  /** Seconds that the pushes take at the allowed rate. 0 without a limit. */
  readonly putSeconds: number;
  /** Seconds that reading and building take. */
  readonly buildSeconds: number;
  /** Bytes of indexes that are stored. */
  readonly indexBytes: number;
  /** How the duration is computed, with the numbers. */
  readonly formula: string;
  readonly costs: readonly CostItem[];
  /** Dollars of the items that apply in any case, with the storage of one month. */
  readonly usd: number;
  /** Dollars in the worst case. Data either passes a NAT gateway or leaves the Region. */
  readonly maxUsd: number;
}

/** An item of a bill. */
export interface CostItem {
  readonly name: string;
  /** Dollars. */
  readonly usd: number;
  /** How it is computed, with the numbers. */
  readonly formula: string;
  /** When it applies: a condition that the registry does not show. @default in any case */
  readonly condition?: string;
}

/** A conversion of an image with one platform pushes an image manifest, a SOCI index and an image index. Measured. */
export const PUTS_PER_IMAGE = 3;
/** Seconds for the requests of an image without its layers: 29. */
const SECONDS_PER_IMAGE = 1;
/** Bytes per second that one job reads and indexes. Measured: 437 MB in 5.1 s with one vCPU, of which a third is kept in reserve. */
const BYTES_PER_SECOND = 60e6;
/** Size of the zTOCs relative to the compressed size of the layers. Measured. */
const INDEX_SHARE = 0.04;
const GIGABYTE = 1e9;

const [NAT_GATEWAY, TRANSFER_OUT] = ['NAT gateway', 'transfer out'] as const;

/**
 * Estimates time and cost of a run. Images are assumed to have one platform, and no layer in common; those that do take less.
 *
 * @throws RegistryJobsError `OPTION_INVALID` if a number is negative or not a number.
 */
export function estimateRun(work: RunWork, setting: RunSetting): RunEstimate {
  const { images, bytes, unknownSizes = 0 } = work;
  const { jobs, putsPerSecond, billed = 'nothing' } = setting;
  checkNumbers({ images, bytes, unknownSizes, jobs, ...(putsPerSecond !== undefined && { putsPerSecond }) });
  const puts = images * PUTS_PER_IMAGE;
  const putSeconds = putsPerSecond === undefined ? 0 : puts / putsPerSecond;
  const workSeconds = images * SECONDS_PER_IMAGE + bytes / BYTES_PER_SECOND;
  const buildSeconds = workSeconds / Math.max(1, Math.min(jobs, images));
  const indexBytes = Math.round(bytes * INDEX_SHARE);
  const gigabytes = bytes / GIGABYTE;
  const builds = `(${images} images x ${SECONDS_PER_IMAGE} s + ${format(gigabytes)} GB / ${BYTES_PER_SECOND / 1e6} MB/s) / ${jobs} jobs`;
  const pushes = `${images} images x ${PUTS_PER_IMAGE} manifests / ${putsPerSecond} per second`;
  const seconds = Math.max(putSeconds, buildSeconds);
  const busySeconds = billed === 'ecr' ? seconds * jobs : workSeconds;
  const costs = billed === 'nothing' ? [] : listCosts(images, gigabytes, busySeconds, billed);
  const sum = (items: readonly CostItem[]) => items.reduce((total, { usd }) => total + usd, 0);
  const leaves = costs.some(({ name }) => name === TRANSFER_OUT);
  return {
    puts,
    seconds,
    putSeconds,
    buildSeconds,
    indexBytes,
    formula: putsPerSecond === undefined ? builds : `the larger of ${pushes} and ${builds}`,
    costs,
    usd: sum(costs.filter(({ condition }) => condition === undefined)),
    maxUsd: sum(costs.filter(({ name }) => name !== NAT_GATEWAY || !leaves)),
  };
}

function checkNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isFinite(value) && value >= 0) continue;
    throw new RegistryJobsError('OPTION_INVALID', `${name} is ${value}: expected a number of at least 0`);
  }
}

/** @param seconds - Time for which a processor is paid. */
function listCosts(images: number, gigabytes: number, seconds: number, billed: 'ecr' | LambdaSetting): CostItem[] {
  const costs: CostItem[] = [];
  const add = (name: string, quantity: number, price: Price, condition?: string) => {
    const formula = `${format(quantity)} ${price.unit} x $${price.usd}`;
    costs.push({ name, usd: quantity * price.usd, formula, ...(condition !== undefined && { condition }) });
  };
  if (billed === 'ecr') {
    const condition = 'if the command runs on AWS Fargate, with 1 vCPU and 2 GB for each job';
    add('compute', seconds / 3600, PRICES.fargateCpu, condition);
  } else {
    const price = billed.architecture === 'arm64' ? PRICES.lambdaArm : PRICES.lambdaX86;
    add('Lambda', (seconds * billed.memory) / 1024, price);
    add('Lambda requests', images, PRICES.lambdaRequests);
    add('Step Functions', images * 3, PRICES.stateTransitions);
  }
  add('storage of indexes, each month', gigabytes * INDEX_SHARE, PRICES.ecrStorage);
  add('Amazon Inspector', images, PRICES.inspectorImage, 'if enhanced scanning covers the repositories');
  const client = billed === 'ecr' ? 'the command reaches' : 'the functions reach';
  add(NAT_GATEWAY, gigabytes, PRICES.natGateway, `if ${client} Amazon S3 through a NAT gateway`);
  if (billed === 'ecr') add(TRANSFER_OUT, gigabytes, PRICES.transferOut, 'if the command runs outside of the Region');
  return costs;
}

/** Formats a quantity with up to four significant digits. */
function format(value: number): string {
  return String(value >= 1000 ? Math.round(value) : Number(value.toPrecision(4)));
}
