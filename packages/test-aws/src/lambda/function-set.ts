import { TestAwsError } from '../errors.ts';
import { settingsOf, type TestFunction, type TestFunctionOptions } from './function-options.ts';
import { FunctionPool, stopped } from './function-pool.ts';

/** The functions of a Lambda. */
export class FunctionSet {
  readonly #place: Place;
  readonly #pools = new Map<string, FunctionPool>();
  #isStopped = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /** @throws TestAwsError `FUNCTION_EXISTS`, `OPTION_INVALID`, `STOPPED` */
  create(options: TestFunctionOptions): TestFunction {
    if (this.#isStopped) throw stopped();
    const settings = settingsOf(options);
    const { name } = settings;
    if (this.#pools.has(name)) throw new TestAwsError('FUNCTION_EXISTS', `there is a function ${name} already`);
    const arn = arnOf(name, this.#place);
    this.#pools.set(name, new FunctionPool(settings, arn, this.#place.region));
    return { name, arn };
  }

  /** The function of a name or an ARN. @throws TestAwsError `FUNCTION_UNKNOWN`, `STOPPED` */
  find(reference: string): FunctionPool {
    if (this.#isStopped) throw stopped();
    const name = nameIn(reference, this.#place);
    const pool = name === undefined ? undefined : this.#pools.get(name);
    if (pool !== undefined) return pool;
    const arn = reference.startsWith('arn:') ? reference : arnOf(reference, this.#place);
    throw new TestAwsError('FUNCTION_UNKNOWN', `Function not found: ${arn}`);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
  }

  /** Ends all processes without waiting for their ends. */
  killNow(): void {
    for (const pool of this.#pools.values()) pool.killNow();
  }
}

/** Where functions are. */
interface Place {
  readonly account: string;
  readonly region: string;
}

/** A name alone, with the account, or as an ARN; with or without the only version there is. */
const REFERENCE =
  /^(?:(?:arn:(?<partition>aws[\w-]*):lambda:(?<region>[\w-]+):)?(?<account>\d{12}):function:)?(?<name>[\w-]{1,64})(?::\$LATEST)?$/;

/** The ARN of a function. */
function arnOf(name: string, place: Place): string {
  return `arn:${partitionOf(place.region)}:lambda:${place.region}:${place.account}:function:${name}`;
}

/** The name in what a client calls a function by; undefined of one that is elsewhere, or of none. */
function nameIn(reference: string, place: Place): string | undefined {
  const { partition, region, account, name } = REFERENCE.exec(reference)?.groups ?? {};
  if (account !== undefined && account !== place.account) return undefined;
  if (region !== undefined && (region !== place.region || partition !== partitionOf(region))) return undefined;
  return name;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
