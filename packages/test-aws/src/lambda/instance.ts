import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { LoopbackServer } from '../http.ts';
import { openRuntimeApi } from '../runtime-api/open-runtime-api.ts';
import { type RuntimeAnswer, RuntimeState, type RuntimeWork } from '../runtime-api/runtime-state.ts';

/** Milliseconds that a process has to start, beside those of the invocation that it is started for. */
const INIT_TIME = 10_000;

/** Milliseconds that are left to what a process has started, and that holds its pipes, when it has ended. */
const PIPE_TIME = 1000;

type Variables = Readonly<Record<string, string>>;

/** How a piece of work ended. */
type WorkEnd = RuntimeAnswer | { readonly kind: 'timeout' } | { readonly kind: 'exit'; readonly reason: string };

/** What became of a piece of work. */
export interface WorkReport {
  readonly end: WorkEnd;
  /** Whether a process was started for it. */
  readonly isCold: boolean;
  /** Milliseconds from the start of its process to when that asked for work. Absent where it was warm, or never asked. */
  readonly initMilliseconds?: number;
  /** Milliseconds from when the process got the work to its answer, or to its end. Without the start of the process. */
  readonly milliseconds: number;
  /**
   * Most bytes of physical memory that the process has held since it was started, by the kernel's account (`VmHWM`).
   * Absent where there is no such account, and of a process that ended by itself.
   */
  readonly maxMemory?: number;
  /** Lines that it wrote to standard output and error, in their order; of a cold one, those of its start too. */
  readonly log: readonly string[];
}

/** An execution environment: a process of its own with a Runtime API of its own, which does one thing at a time. */
export class Instance {
  readonly #state: RuntimeState;
  readonly #log = new LogLines();
  readonly #api: LoopbackServer;
  readonly #process: ChildProcess;
  readonly #startedAt = performance.now();
  readonly #exit: Promise<{ readonly kind: 'exit'; readonly reason: string }>;
  #isUsed = false;
  #isOver = false;
  #hasExited = false;

  private constructor(
    api: LoopbackServer,
    state: RuntimeState,
    program: readonly string[],
    cwd: string,
    env: Variables,
  ) {
    this.#api = api;
    this.#state = state;
    const [command = '', ...args] = program;
    this.#process = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // A group of its own, so that whatever it starts ends with it.
    });
    if (this.#process.stdout) this.#log.listen(this.#process.stdout);
    if (this.#process.stderr) this.#log.listen(this.#process.stderr);
    this.#exit = new Promise((resolve) => {
      const end = (reason: string) => resolve({ kind: 'exit', reason });
      this.#process.once('error', (error) => end(`Runtime failed to start: ${error.message}`));
      this.#process.once('close', (code, signal) => end(describeExit(code, signal)));
      this.#process.once('exit', (code, signal) => {
        this.killNow(); // Whatever it has started.
        this.#hasExited = true;
        setTimeout(() => end(describeExit(code, signal)), PIPE_TIME).unref();
      });
    });
  }

  /** @param environment - Makes its variables, when host and port of its Runtime API are known. */
  static async start(
    program: readonly string[],
    folder: string,
    environment: (runtimeApi: string) => Variables,
  ): Promise<Instance> {
    const state = new RuntimeState();
    const api = await openRuntimeApi(state);
    try {
      return new Instance(api, state, program, folder, environment(api.host));
    } catch (error) {
      await api.close();
      throw error;
    }
  }

  /** Whether its process has ended, or is about to. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Does a piece of work, and waits until the process is ready for the next or has ended. */
  async perform(work: RuntimeWork): Promise<WorkReport> {
    const isCold = !this.#isUsed;
    this.#isUsed = true;
    const ready = await this.#within(INIT_TIME + work.timeout, this.#state.untilReady());
    const initMilliseconds =
      isCold && ready === undefined ? { initMilliseconds: performance.now() - this.#startedAt } : {};
    const givenAt = performance.now();
    const end = ready ?? (await this.#within(work.timeout, this.#state.perform(work)));
    const milliseconds = ready === undefined ? performance.now() - givenAt : 0;
    const peak = end.kind === 'exit' ? undefined : readPeakMemory(this.#process.pid);
    // A runtime is done when it asks for more; one that does not, in the time that is left, is not used again.
    const left = Math.max(work.timeout - milliseconds, 0);
    const hasAnswered = ready === undefined && end.kind !== 'timeout' && end.kind !== 'exit';
    const isReusable = hasAnswered && (await this.#within(left, this.#state.untilReady())) === undefined;
    if (!isReusable) await this.kill();
    const log = await this.#log.take();
    return { end, isCold, ...initMilliseconds, milliseconds, ...(peak !== undefined && { maxMemory: peak }), log };
  }

  /** Ends the process and all that it has started, at once. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#exit;
    await this.#api.close();
  }

  /** Sends the signal only: for when there is no time to wait. */
  killNow(): void {
    this.#isOver = true;
    const { pid } = this.#process;
    if (pid === undefined || this.#hasExited) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#process.kill('SIGKILL'); // No such group: it has ended.
    }
  }

  /** What comes first: an outcome, the end of the process, or that of the time. */
  async #within<Outcome>(milliseconds: number, outcome: Promise<Outcome>): Promise<Outcome | WorkEnd> {
    const timer = new AbortController();
    const timeout = sleep(milliseconds, { kind: 'timeout' } as const, { signal: timer.signal });
    timeout.catch(() => {}); // Aborted: nobody waits for it.
    try {
      return await Promise.race([outcome, this.#exit, timeout]);
    } finally {
      timer.abort();
    }
  }
}

/** In Lambda's words. */
function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${signal}`;
  if (code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${code}`;
}

/** What a process writes, in lines, until they are taken. */
class LogLines {
  #lines: string[] = [];
  /** The last line of each stream, where it has no end yet. */
  readonly #open = new Map<Readable, string>();
  #count = 0;

  listen(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#count += 1;
      const lines = `${this.#open.get(stream) ?? ''}${text}`.split('\n');
      this.#open.set(stream, lines.pop() ?? '');
      this.#lines.push(...lines);
    });
    stream.on('error', () => {});
  }

  /** Takes what was written up to now. What lies in a pipe was written too: it is read first. */
  async take(): Promise<string[]> {
    for (let seen = -1; seen !== this.#count; ) {
      seen = this.#count;
      await turn();
      await turn();
    }
    const lines = [...this.#lines, ...[...this.#open.values()].filter((line) => line !== '')];
    this.#lines = [];
    this.#open.clear();
    return lines;
  }
}

/** Most bytes of physical memory that a process has held; undefined where the kernel does not say. */
function readPeakMemory(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? undefined : Number(peak) * 1024;
  } catch {
    return undefined; // No such process any more, or no such file system.
  }
}
