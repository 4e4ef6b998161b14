import { type Spread, spread } from '../compare.ts';
import { formatSpread, type Target } from '../report.ts';
import { type Cell, NETWORKS, type Network, OTHER_PROFILE, WORKLOADS } from './plan.ts';
import type { Results, Start } from './results.ts';

const MIN_PULL_RATIO = 6;
const MIN_PYTHON_GAIN = 0.3;
const MIN_RECORDED_GAIN = 0.22;
const MIN_RECORDED_BYTES_GAIN = 0.25;
const MAX_OTHER_LOSS = 0.05;
const MIN_PREDICTED_GAIN = 0.12;
const MAX_PREDICTED_LOSS = 0.08;
const MIN_PREDICTED_HIT = 0.85;
const MAX_PREDICTED_SIZE = 2;

/** Returns the targets for which measurements exist. */
export function checkTargets(cells: readonly Cell[], results: Results): Target[] {
  const startsOf = (workload: string, variant: string): readonly Start[] => {
    const isSame = (cell: Cell) =>
      cell.workload.name === workload && cell.variant.name === variant && cell.network === (NETWORKS[0] as Network);
    const cell = cells.find(isSame);
    return cell ? results.of(cell) : [];
  };
  /** Returns the ratio of one variant to another. Runs with the same number were made one after the other. */
  const ratio = (workload: string, variant: string, base: string, value: (start: Start) => number) => {
    const [own, others] = [startsOf(workload, variant), startsOf(workload, base)];
    const ratios = own.slice(0, others.length).map((start, run) => value(start) / value(others[run] as Start));
    return ratios.length === 0 ? undefined : spread(ratios);
  };
  /** Returns the ratios of all workloads that have the variant. Empty if measurements of one of them are missing. */
  const ratios = (variant: string, base: string, value: (start: Start) => number): NamedRatio[] => {
    const names = WORKLOADS.map(({ name }) => name).filter((name) =>
      cells.some((cell) => cell.workload.name === name && cell.variant.name === variant),
    );
    const found = names.flatMap((name) => {
      const one = ratio(name, variant, base, value);
      return one ? [{ name, ratio: one }] : [];
    });
    return found.length === names.length ? found : [];
  };

  const targets: Target[] = [];
  const add = (
    found: Spread | undefined,
    isReached: (value: Spread) => boolean,
    goal: string,
    text: (value: Spread) => string,
  ) => {
    if (found) targets.push({ goal, isReached: isReached(found), measured: text(found) });
  };
  add(
    ratio('python', 'pull', 'default', secondsOf),
    ({ median }) => median >= MIN_PULL_RATIO,
    `with the default index, \`python -c\` starts at least ${MIN_PULL_RATIO} times as fast as with the ordinary pull`,
    (found) => `${formatSpread(found)} times`,
  );
  add(
    ratio('python', 'recorded', 'reference', secondsOf),
    ({ median }) => 1 - median >= MIN_PYTHON_GAIN,
    `with its recorded profile, \`python -c\` starts at least ${percent(MIN_PYTHON_GAIN)} sooner than with the reference's index`,
    describeGain,
  );
  const recorded = ratios('recorded', 'reference', secondsOf);
  add(
    medianOf(recorded),
    ({ median }) => 1 - median >= MIN_RECORDED_GAIN,
    `with recorded profiles, the median of the workloads starts at least ${percent(MIN_RECORDED_GAIN)} sooner than with the reference's index`,
    ({ median }) => `${percent(1 - median)} (${listGains(recorded)})`,
  );
  const bytes = ratios('recorded', 'reference', ({ bytes }) => bytes);
  add(
    medianOf(bytes),
    ({ median }) => 1 - median >= MIN_RECORDED_BYTES_GAIN,
    `with recorded profiles, the median of the workloads fetches at least ${percent(MIN_RECORDED_BYTES_GAIN)} fewer bytes`,
    ({ median }) => `${percent(1 - median)} (${listGains(bytes)})`,
  );
  const other = ratios(OTHER_PROFILE.name, 'default', secondsOf);
  add(
    medianOf(other),
    () => other.every(({ ratio: { median } }) => median - 1 <= MAX_OTHER_LOSS),
    `with the profile of \`python -c\`, the other workloads of the image start at most ${percent(MAX_OTHER_LOSS)} later than with the default index`,
    () => listGains(other),
  );
  const predicted = ratios('predicted', 'reference', secondsOf);
  add(
    medianOf(predicted),
    ({ median }) => 1 - median >= MIN_PREDICTED_GAIN,
    `with predicted profiles, the median of the workloads starts at least ${percent(MIN_PREDICTED_GAIN)} sooner than with the reference's index`,
    ({ median }) => `${percent(1 - median)} (${listGains(predicted)})`,
  );
  add(
    medianOf(predicted),
    () => predicted.every(({ ratio: { median } }) => median - 1 <= MAX_PREDICTED_LOSS),
    `with predicted profiles, no workload starts more than ${percent(MAX_PREDICTED_LOSS)} later`,
    () => listGains(predicted),
  );
  const predictions = WORKLOADS.flatMap(({ name }) => {
    const prediction = results.predictionOf(name);
    return prediction
      ? [{ name, hit: prediction.both / prediction.recorded, size: prediction.predicted / prediction.recorded }]
      : [];
  });
  if (predictions.length === WORKLOADS.length) {
    targets.push({
      goal: `each prediction contains at least ${percent(MIN_PREDICTED_HIT)} of the recorded bytes`,
      isReached: predictions.every(({ hit }) => hit >= MIN_PREDICTED_HIT),
      measured: predictions.map(({ name, hit }) => `${name} ${percent(hit)}`).join(', '),
    });
    targets.push({
      goal: `no prediction has more than ${MAX_PREDICTED_SIZE} times the recorded bytes`,
      isReached: predictions.every(({ size }) => size <= MAX_PREDICTED_SIZE),
      measured: predictions.map(({ name, size }) => `${name} ${size.toFixed(2)}`).join(', '),
    });
  }
  return targets;
}

const secondsOf = ({ seconds }: Start): number => seconds;

/** Ratio of a workload. */
interface NamedRatio {
  readonly name: string;
  readonly ratio: Spread;
}

function medianOf(ratios: readonly NamedRatio[]): Spread | undefined {
  return ratios.length === 0 ? undefined : spread(ratios.map(({ ratio }) => ratio.median));
}

function percent(fraction: number): string {
  return `${Math.round(fraction * 100)} %`;
}

function describeGain({ median, min, max }: Spread): string {
  return `${percent(1 - median)} (${percent(1 - max)} to ${percent(1 - min)})`;
}

function listGains(ratios: readonly NamedRatio[]): string {
  return ratios
    .map(({ name, ratio: { median } }) => `${name} ${percent(Math.abs(1 - median))} ${median > 1 ? 'more' : 'less'}`)
    .join(', ');
}
