import { TestAwsError } from '../errors.ts';
import { arnOf, nameIn, type Place } from './function-name.ts';
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
