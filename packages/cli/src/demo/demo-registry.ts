import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RegistryAccess } from '../transports/registry-access.ts';
import type { RegistryAnswer, RegistryQuestion, RegistryTraffic } from './registry-messages.ts';

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const WORKER_URL = new URL(`./registry-worker.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url);

/** A registry on loopback that behaves as Amazon ECR does, with its images in memory. */
export class DemoRegistry {
  readonly #worker: Worker;
  /** Host and port. */
  readonly host: string;
  /** How it is reached. */
  readonly access: RegistryAccess;

  /** Use {@link startDemoRegistry}. */
  constructor(worker: Worker, host: string, access: RegistryAccess) {
    this.#worker = worker;
    this.host = host;
    this.access = access;
  }

  /** What it was asked since this was asked last. */
  async traffic(): Promise<RegistryTraffic> {
    this.#ask('traffic');
    const answer = await nextAnswer(this.#worker);
    if (answer.type !== 'traffic') throw new Error(`the registry has said ${answer.type}`);
    return answer.traffic;
  }

  /** Ends it, and all that it holds. */
  async stop(): Promise<void> {
    const exit = once(this.#worker, 'exit');
    this.#ask('stop');
    await exit;
  }

  #ask(question: RegistryQuestion): void {
    this.#worker.postMessage(question);
  }
}

/** Starts the registry in a thread of its own, so that what it does does not count as what the program does. */
export async function startDemoRegistry(trace: RegistryAccess['trace']): Promise<DemoRegistry> {
  const worker = new Worker(
    WORKER_URL,
    RUNS_FROM_SOURCE ? { execArgv: ['--conditions=@soci/source', '--no-warnings'] } : {},
  );
  const answer = await nextAnswer(worker);
  if (answer.type !== 'started') throw new Error(`the registry has said ${answer.type}`);
  const { host, account } = answer;
  // Proxies are for other hosts than this one.
  return new DemoRegistry(worker, host, { env: {}, trace, account, plainHttp: true });
}

/** The next thing that the thread says. Its failure is thrown: `once` sees to that. */
async function nextAnswer(worker: Worker): Promise<RegistryAnswer> {
  const [answer] = (await once(worker, 'message')) as [RegistryAnswer];
  return answer;
}
