import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { TestAwsError } from '../errors.ts';
import { environmentOf, type FunctionSettings } from './function-options.ts';
import { Instance, type InvocationReport } from './instance.ts';

/** A queued invocation. */
interface QueuedInvocation {
  readonly requestId: string;
  readonly payload: string;
  readonly resolve: (report: InvocationReport) => void;
  readonly reject: (error: unknown) => void;
}

/** The processes of a function, and a FIFO queue of invocations. */
export class FunctionPool {
  readonly arn: string;
  readonly settings: FunctionSettings;
  readonly #region: string;
  readonly #program: readonly string[];
  readonly #queue: QueuedInvocation[] = [];
  readonly #idle: Instance[] = [];
  readonly #instances = new Set<Instance>();
  /** Number of processes, including those that are starting. */
  #count = 0;
  #isStopped = false;

  /** @throws TestAwsError `OPTION_INVALID` */
  constructor(settings: FunctionSettings, arn: string, region: string) {
    this.settings = settings;
    this.arn = arn;
    this.#region = region;
    this.#program = [...settings.launcher, ...(settings.runtimeClient ?? runtimeClientProgram(settings.node))];
  }

  /** Runs the function once, as soon as a process is available. @throws TestAwsError `STOPPED` */
  run(requestId: string, payload: string): Promise<InvocationReport> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ requestId, payload, resolve, reject });
      this.#advance();
    });
  }

  /** Kills all processes. Queued and running invocations fail with `STOPPED`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#advance();
    await Promise.all([...this.#instances].map((instance) => instance.kill()));
  }

  /** Kills all processes without waiting for their exit. */
  killNow(): void {
    for (const instance of this.#instances) instance.killNow();
  }

  #advance(): void {
    while (this.#queue.length > 0) {
      const instance = this.#isStopped ? undefined : this.#takeIdle();
      if (!this.#isStopped && instance === undefined && this.#count >= this.settings.concurrency) return;
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (this.#isStopped) next.reject(stopped());
      else this.#serve(next, instance).then(next.resolve, next.reject);
    }
  }

  /** Returns the most recently used idle process that still runs. */
  #takeIdle(): Instance | undefined {
    for (let instance = this.#idle.pop(); instance !== undefined; instance = this.#idle.pop()) {
      if (!instance.isOver) return instance;
      this.#drop(instance);
    }
    return undefined;
  }

  async #serve({ requestId, payload }: QueuedInvocation, idle: Instance | undefined): Promise<InvocationReport> {
    const instance = idle ?? (await this.#start());
    const timeout = this.settings.timeout * 1000;
    const report = await instance.perform({ requestId, payload, timeout, functionArn: this.arn });
    if (this.#isStopped) throw stopped();
    if (instance.isOver) this.#drop(instance);
    else this.#idle.push(instance);
    this.#advance();
    return report;
  }

  async #start(): Promise<Instance> {
    const [region, logStream] = [this.#region, makeLogStream()];
    const starting = Instance.start(this.#program, this.settings.folder, (runtimeApi) =>
      environmentOf(this.settings, { region, logStream, runtimeApi }),
    );
    this.#count += 1;
    const instance = await starting.catch((error: unknown) => {
      this.#count -= 1;
      throw error;
    });
    this.#instances.add(instance);
    if (!this.#isStopped) return instance;
    await instance.kill();
    throw stopped();
  }

  #drop(instance: Instance): void {
    this.#count -= 1;
    this.#instances.delete(instance);
    instance.kill().catch(() => {}); // The process has exited, but its server is open.
  }
}

/** Returns the error for calls after `stop`. */
export function stopped(): TestAwsError {
  return new TestAwsError('STOPPED', 'the test Lambda was stopped');
}

function makeLogStream(): string {
  const date = new Date().toISOString().slice(0, 10).replaceAll('-', '/');
  return `${date}/[$LATEST]${randomBytes(16).toString('hex')}`;
}

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const BOOTSTRAP_URL = new URL(`../bootstrap.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url);

/** Returns the command of this package's runtime client. @throws TestAwsError `OPTION_INVALID` */
function runtimeClientProgram(node: string): readonly string[] {
  if (!RUNS_FROM_SOURCE) return [node, fileURLToPath(BOOTSTRAP_URL)];
  if (node === process.execPath && !process.features.typescript) {
    const message = `${node} cannot run TypeScript, which the runtime client needs: set \`node\` to another version`;
    throw new TestAwsError('OPTION_INVALID', message);
  }
  return [node, '--disable-warning=ExperimentalWarning', fileURLToPath(BOOTSTRAP_URL)];
}
