import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { LoopbackServer } from '../http.ts';
import { openRuntimeApi } from '../runtime-api/open-runtime-api.ts';
import { type RuntimeInvocation, type RuntimeResult, RuntimeState } from '../runtime-api/runtime-state.ts';

/** Maximum start time of a process in addition to the timeout of the invocation, in milliseconds. */
const INIT_TIMEOUT = 10_000;

/** How long to wait for open pipes after the exit of a process, in milliseconds. Child processes can keep them open. */
const PIPE_TIMEOUT = 1000;

type Variables = Readonly<Record<string, string>>;

/** How an invocation ended. */
type InvocationEnd = RuntimeResult | { readonly kind: 'timeout' } | { readonly kind: 'exit'; readonly reason: string };

/** Result of an invocation in a process. */
export interface InvocationReport {
  readonly end: InvocationEnd;
  /** Whether a process was started for the invocation. */
  readonly isCold: boolean;
  /** Start time of the process until it requested an invocation, in milliseconds. Absent if it was warm or never did. */
  readonly initMilliseconds?: number;
  /** Time from the start of the invocation to its response or end, in milliseconds. Excludes the start of the process. */
  readonly milliseconds: number;
  /**
   * Peak physical memory of the process since its start (`VmHWM`), in bytes. Absent if the process exited or the kernel does not
   * report it.
   */
  readonly maxMemory?: number;
  /** Lines of standard output and error, in order. A cold invocation includes those of the start. */
  readonly log: readonly string[];
}

/** An execution environment: a process with its own Runtime API, which runs one invocation at a time. */
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
      detached: true, // Own process group, to kill child processes too.
    });
    if (this.#process.stdout) this.#log.listen(this.#process.stdout);
    if (this.#process.stderr) this.#log.listen(this.#process.stderr);
    this.#exit = new Promise((resolve) => {
      const end = (reason: string) => resolve({ kind: 'exit', reason });
      this.#process.once('error', (error) => end(`Runtime failed to start: ${error.message}`));
      this.#process.once('close', (code, signal) => end(describeExit(code, signal)));
      this.#process.once('exit', (code, signal) => {
        this.killNow(); // Kill remaining child processes.
        this.#hasExited = true;
        setTimeout(() => end(describeExit(code, signal)), PIPE_TIMEOUT).unref();
      });
    });
  }

  /** Starts a process. @param environment - Returns its variables for the host and port of the Runtime API. */
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

  /** Whether the process has exited or is being killed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Runs an invocation, and waits until the process is ready for the next one or has exited. */
  async perform(invocation: RuntimeInvocation): Promise<InvocationReport> {
    const isCold = !this.#isUsed;
    this.#isUsed = true;
    const ready = await this.#within(INIT_TIMEOUT + invocation.timeout, this.#state.untilReady());
    const initMilliseconds =
      isCold && ready === undefined ? { initMilliseconds: performance.now() - this.#startedAt } : {};
    const invokedAt = performance.now();
    const end = ready ?? (await this.#within(invocation.timeout, this.#state.perform(invocation)));
    const milliseconds = ready === undefined ? performance.now() - invokedAt : 0;
    const peak = end.kind === 'exit' ? undefined : readPeakMemory(this.#process.pid);
    // A runtime is done when it requests the next invocation. If it does not within the remaining time, it is not used again.
    const left = Math.max(invocation.timeout - milliseconds, 0);
    const hasResponded = ready === undefined && end.kind !== 'timeout' && end.kind !== 'exit';
    const isReusable = hasResponded && (await this.#within(left, this.#state.untilReady())) === undefined;
    if (!isReusable) await this.kill();
    const log = await this.#log.take();
    return { end, isCold, ...initMilliseconds, milliseconds, ...(peak !== undefined && { maxMemory: peak }), log };
  }

  /** Kills the process and its child processes, and waits for the exit. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#exit;
    await this.#api.close();
  }

  /** Sends SIGKILL without waiting. */
  killNow(): void {
    this.#isOver = true;
    const { pid } = this.#process;
    if (pid === undefined || this.#hasExited) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#process.kill('SIGKILL'); // The process group does not exist: it has exited.
    }
  }

  /** Resolves with the outcome, the exit of the process, or the timeout, whichever is first. */
  async #within<Outcome>(milliseconds: number, outcome: Promise<Outcome>): Promise<Outcome | InvocationEnd> {
    const timer = new AbortController();
    const timeout = sleep(milliseconds, { kind: 'timeout' } as const, { signal: timer.signal });
    timeout.catch(() => {}); // Ignore the error of the aborted timer.
    try {
      return await Promise.race([outcome, this.#exit, timeout]);
    } finally {
      timer.abort();
    }
  }
}

/** Returns the message that Lambda uses. */
function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${signal}`;
  if (code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${code}`;
}

/** Collects the output of a process in lines. */
class LogLines {
  #lines: string[] = [];
  /** The last, incomplete line of each stream. */
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

  /** Returns and removes all lines, including output that is still in a pipe. */
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

/** Returns the peak physical memory of a process in bytes. Undefined if the kernel does not report it. */
function readPeakMemory(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? undefined : Number(peak) * 1024;
  } catch {
    return undefined; // The process has exited, or the system has no /proc.
  }
}
