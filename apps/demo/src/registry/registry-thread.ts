import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RegistryAccess } from '@soci/cli/internal';
import type { EcrImageActionEvent } from '@soci/test-registry';

/** What a registry was asked, from one look at it to the next. */
export interface RegistryTraffic {
  /** Requests, those that follow a redirect among them. */
  readonly requests: number;
  /** Bytes that were sent to it, without headers. */
  readonly bytesIn: number;
  /** Bytes that it sent, without headers. */
  readonly bytesOut: number;
}

/** What is asked of the thread that runs the registry. */
export type RegistryQuestion = 'stop' | 'traffic';

/** What it says. */
export type RegistryMessage =
  | {
      readonly type: 'started';
      readonly host: string;
      readonly awsEndpoint: string;
      readonly account: { readonly username: string; readonly password: string };
    }
  | { readonly type: 'event'; readonly event: EcrImageActionEvent }
  | { readonly type: 'traffic'; readonly traffic: RegistryTraffic };

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const WORKER_URL = new URL(`./worker.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url);

/** A registry on loopback that behaves as Amazon ECR does, with its images in memory. */
export class RegistryThread {
  readonly #worker: Worker;
  readonly #waiting: ((traffic: RegistryTraffic) => void)[] = [];
  readonly #events: EcrImageActionEvent[] = [];
  #listener: ((event: EcrImageActionEvent) => void) | undefined;
  /** Host and port. */
  readonly host: string;
  /** Where the API of Amazon ECR itself is, which gives tokens. */
  readonly awsEndpoint: string;
  /** How it is reached. */
  readonly access: RegistryAccess;

  /** Use {@link startRegistryThread}. */
  constructor(worker: Worker, host: string, awsEndpoint: string, access: RegistryAccess) {
    this.#worker = worker;
    this.host = host;
    this.awsEndpoint = awsEndpoint;
    this.access = access;
    worker.on('message', (message: RegistryMessage) => {
      if (message.type === 'event') {
        this.#events.push(message.event);
        this.#tellEvents();
      }
      if (message.type === 'traffic') this.#waiting.shift()?.(message.traffic);
    });
  }

  /** What it was asked since it was started. Whatever it raised before that has been told by then. */
  traffic(): Promise<RegistryTraffic> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#ask('traffic');
    });
  }

  /** Who is told of its events, in their order. While that is nobody, they wait. */
  set listener(listener: ((event: EcrImageActionEvent) => void) | undefined) {
    this.#listener = listener;
    this.#tellEvents();
  }

  /** Ends it, and all that it holds. */
  async stop(): Promise<void> {
    const exit = once(this.#worker, 'exit');
    this.#ask('stop');
    await exit;
  }

  #tellEvents(): void {
    if (this.#listener === undefined) return;
    for (const event of this.#events.splice(0)) this.#listener(event);
  }

  #ask(question: RegistryQuestion): void {
    this.#worker.postMessage(question);
  }
}

/** Starts the registry in a thread of its own, so that what it does does not count as what the program does. */
export async function startRegistryThread(trace: RegistryAccess['trace']): Promise<RegistryThread> {
  const worker = new Worker(
    WORKER_URL,
    RUNS_FROM_SOURCE ? { execArgv: ['--conditions=@soci/source', '--no-warnings'] } : {},
  );
  // Where the thread fails instead, `once` throws that.
  const [message] = (await once(worker, 'message')) as [RegistryMessage];
  if (message.type !== 'started') throw new Error(`the registry has said ${message.type}`);
  const { host, awsEndpoint, account } = message;
  // Proxies are for other hosts than this one.
  return new RegistryThread(worker, host, awsEndpoint, { env: {}, trace, account, plainHttp: true });
}
