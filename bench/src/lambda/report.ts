import { availableParallelism } from 'node:os';
import { PRICES, PRICES_DATE } from '@soci/registry-jobs';
import { formatSection, formatTable, LAMBDA_SECTION, megabytes, type Target } from '../report.ts';

/** What a cold invocation of the generator took. */
export interface LambdaMeasurement {
  /** Memory of the function, in MB. */
  readonly memory: number;
  /** From the start of the process to the response. */
  readonly seconds: number;
  /** User and system time, in seconds. */
  readonly cpu: number;
  /** Peak resident memory, in bytes. */
  readonly peak: number;
}

/** The measurements of an image. */
export interface ImageMeasurements {
  readonly title: string;
  /** Compressed size of the image. */
  readonly bytes: number;
  /** One for each memory size, in ascending order. */
  readonly measurements: readonly LambdaMeasurement[];
}

/** Memory in MB for which Lambda allocates one vCPU. */
const MEMORY_PER_VCPU = 1769;
/** Recommended memory in MB: the default of the construct, the template and the Terraform module. */
export const RECOMMENDED_MEMORY = 1769;
/** Bytes per second that a function reads at most: 600 Mbit/s. */
const BANDWIDTH = 75e6;
/** Images of the cost. */
const IMAGES = 1000;

/** Returns the processors that Lambda gives to a function. */
export function vcpusOf(memory: number): number {
  return memory / MEMORY_PER_VCPU;
}

/**
 * Returns the seconds, the GB-seconds and the dollars for 1,000 images that a measurement means on Lambda. The seconds follow from
 * the CPU time, which other programs on the machine change less than the elapsed time.
 */
export function billOf(bytes: number, { memory, cpu }: LambdaMeasurement, cores: number = availableParallelism()) {
  const billed = Math.max(cpu / Math.min(vcpusOf(memory), cores), bytes / BANDWIDTH);
  const gigabyteSeconds = (billed * memory) / 1024;
  const usdAt = (price: number) => IMAGES * (gigabyteSeconds * price + PRICES.lambdaRequests.usd);
  return {
    seconds: billed,
    gigabyteSeconds,
    x86: usdAt(PRICES.lambdaX86.usd),
    arm: usdAt(PRICES.lambdaArm.usd),
  };
}

/** Formats the section of the report. */
export function formatLambda(images: readonly ImageMeasurements[]): string {
  const cores = availableParallelism();
  return formatSection({
    heading: LAMBDA_SECTION,
    setup: `The generator's zip indexes an image once, from the start of its process. Control groups limit its memory, and its processor time to one vCPU for each ${MEMORY_PER_VCPU.toLocaleString('en')} MB, as Lambda does. Lambda has 6 vCPUs for 10,240 MB; this machine has ${cores} cores, which is the most that a function gets here. The test registry imitates Amazon ECR on loopback, with TLS, tokens and redirects to a storage, on the same cores. "On Lambda" is the CPU time divided by the vCPUs, or the time that the image takes at ${megabytes(BANDWIDTH)} MB/s if that is longer, a bandwidth that users of Lambda report; AWS documents none. Costs are those of ${IMAGES.toLocaleString('en')} images at list prices of us-east-1 of ${PRICES_DATE} (${PRICES.lambdaX86.source}), for arm64 with the time measured on x86-64. A function that needs more memory than it has is killed, and the benchmark fails. ${RECOMMENDED_MEMORY.toLocaleString('en')} MB are recommended, and are the default of the construct, the template and the Terraform module.`,
    tables: [formatTable(HEAD, images.flatMap(rowsOf))],
    targets: images.flatMap(targetsOf),
  });
}

const HEAD = [
  'image, memory in MB',
  'vCPUs',
  'CPU, s',
  'elapsed, s',
  'on Lambda, s',
  'GB-seconds',
  'x86_64, USD',
  'arm64, USD',
  'peak memory, MB',
];

function rowsOf({ title, bytes, measurements }: ImageMeasurements): string[][] {
  return measurements.map((measurement) => {
    const { memory, cpu, seconds, peak } = measurement;
    const bill = billOf(bytes, measurement);
    return [
      `${title}, ${memory.toLocaleString('en')}${memory === RECOMMENDED_MEMORY ? ' (default)' : ''}`,
      Math.min(vcpusOf(memory), availableParallelism()).toFixed(2),
      cpu.toFixed(2),
      seconds.toFixed(2),
      bill.seconds.toFixed(1),
      bill.gigabyteSeconds.toFixed(1),
      bill.x86.toFixed(2),
      bill.arm.toFixed(2),
      megabytes(peak),
    ];
  });
}

/** Maximum of time times cost with the default memory, relative to the best size. */
const MAX_LOSS = 1.1;

function targetsOf({ title, bytes, measurements }: ImageMeasurements): Target[] {
  const products = measurements.map((measurement) => {
    const { seconds, gigabyteSeconds } = billOf(bytes, measurement);
    return { memory: measurement.memory, product: seconds * gigabyteSeconds };
  });
  const chosen = products.find(({ memory }) => memory === RECOMMENDED_MEMORY);
  if (chosen === undefined || products.length < 2) return [];
  const ratio = chosen.product / Math.min(...products.map(({ product }) => product));
  return [
    {
      goal: `with the default of ${RECOMMENDED_MEMORY.toLocaleString('en')} MB, the time times the cost of ${title} is at most ${MAX_LOSS} times the smallest one`,
      isReached: ratio <= MAX_LOSS,
      measured: ratio.toFixed(2),
    },
  ];
}
