import { TestAwsError } from '../errors.ts';
import { settingsOf, type TestFunction, type TestFunctionOptions } from './function-options.ts';
import { FunctionPool, stopped } from './function-pool.ts';

/** The functions of a test Lambda, by name. */
export class FunctionSet {
  readonly #location: Location;
  readonly #pools = new Map<string, FunctionPool>();
  #isStopped = false;

  constructor(location: Location) {
    this.#location = location;
  }

  /** Creates a function. @throws TestAwsError `FUNCTION_EXISTS`, `OPTION_INVALID`, `STOPPED` */
  create(options: TestFunctionOptions): TestFunction {
    if (this.#isStopped) throw stopped();
    const settings = settingsOf(options);
    const { name } = settings;
    if (this.#pools.has(name)) throw new TestAwsError('FUNCTION_EXISTS', `the function ${name} already exists`);
    const arn = arnOf(name, this.#location);
    this.#pools.set(name, new FunctionPool(settings, arn, this.#location.region));
    return { name, arn };
  }

  /**
   * Replaces the code and the settings of a function. Its running invocations fail with `STOPPED`.
   *
   * @throws TestAwsError `FUNCTION_UNKNOWN`, `OPTION_INVALID`, `STOPPED`
   */
  async update(options: TestFunctionOptions): Promise<void> {
    const old = this.find(options.name);
    this.#pools.set(options.name, new FunctionPool(settingsOf(options), old.arn, this.#location.region));
    await old.stop();
  }

  /** Finds a function by name or ARN. @throws TestAwsError `FUNCTION_UNKNOWN`, `STOPPED` */
  find(reference: string): FunctionPool {
    if (this.#isStopped) throw stopped();
    const name = nameIn(reference, this.#location);
    const pool = name === undefined ? undefined : this.#pools.get(name);
    if (pool !== undefined) return pool;
    const arn = reference.startsWith('arn:') ? reference : arnOf(reference, this.#location);
    throw new TestAwsError('FUNCTION_UNKNOWN', `Function not found: ${arn}`);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
  }

  /** Kills all processes without waiting for their exit. */
  killNow(): void {
    for (const pool of this.#pools.values()) pool.killNow();
  }
}

/** Account and Region of functions. */
interface Location {
  readonly account: string;
  readonly region: string;
}

/** A name, optionally with the account, or an ARN; each optionally with the version `$LATEST`. */
const REFERENCE =
  /^(?:(?:arn:(?<partition>aws[\w-]*):lambda:(?<region>[\w-]+):)?(?<account>\d{12}):function:)?(?<name>[\w-]{1,64})(?::\$LATEST)?$/;

/** Returns the ARN of a function. */
function arnOf(name: string, location: Location): string {
  return `arn:${partitionOf(location.region)}:lambda:${location.region}:${location.account}:function:${name}`;
}

/** Returns the name in a function reference. Undefined for another account or Region, or an invalid reference. */
function nameIn(reference: string, location: Location): string | undefined {
  const { partition, region, account, name } = REFERENCE.exec(reference)?.groups ?? {};
  if (account !== undefined && account !== location.account) return undefined;
  if (region !== undefined && (region !== location.region || partition !== partitionOf(region))) return undefined;
  return name;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
