import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** An invocation for a runtime. */
export interface RuntimeInvocation {
  readonly requestId: string;
  /** Payload as JSON. */
  readonly payload: string;
  /** Timeout in milliseconds. */
  readonly timeout: number;
  readonly functionArn: string;
}

/** Result of an invocation, or error of the start. */
export type RuntimeResult =
  | { readonly kind: 'response'; readonly bytes: Buffer }
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string; readonly bytes: Buffer };

/** Error of the Runtime API, with an error type of its specification. */
export class RuntimeApiError extends Error {
  override readonly name = 'RuntimeApiError';
  readonly status: number;
  readonly errorType: string;

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}

/**
 * State machine of a runtime. A runtime requests an invocation, gets it, sends one result and requests the next one. All other calls
 * are rejected.
 */
export class RuntimeState {
  #state: 'starting' | 'waiting' | 'working' | 'responded' | 'failed' = 'starting';
  #poll: ServerResponse | undefined;
  #requestId: string | undefined;
  #failure: RuntimeResult | undefined;
  #onReady: ((failure: RuntimeResult | undefined) => void) | undefined;
  #onResult: ((result: RuntimeResult) => void) | undefined;

  /** Resolves when the runtime requests an invocation, or reports that it cannot start. */
  untilReady(): Promise<RuntimeResult | undefined> {
    if (this.#state === 'waiting' || this.#state === 'failed') return Promise.resolve(this.#failure);
    return new Promise((resolve) => {
      this.#onReady = resolve;
    });
  }

  /** Sends an invocation to a waiting runtime. Resolves with its result. */
  perform({ requestId, payload, timeout, functionArn }: RuntimeInvocation): Promise<RuntimeResult> {
    const poll = this.#poll;
    if (this.#state !== 'waiting' || poll === undefined)
      throw new Error(`a runtime in the state ${this.#state} got an invocation`);
    this.#state = 'working';
    this.#requestId = requestId;
    this.#poll = undefined;
    const result = new Promise<RuntimeResult>((resolve) => {
      this.#onResult = resolve;
    });
    poll.writeHead(200, {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(payload)),
      'lambda-runtime-aws-request-id': requestId,
      'lambda-runtime-deadline-ms': String(Date.now() + timeout),
      'lambda-runtime-invoked-function-arn': functionArn,
      'lambda-runtime-trace-id': makeTraceId(),
    });
    poll.end(payload);
    return result;
  }

  /** The runtime requests the next invocation. The response waits until one exists. @throws RuntimeApiError */
  next(response: ServerResponse): void {
    if (this.#state === 'working' || this.#state === 'failed' || this.#poll !== undefined)
      throw this.#wrongState('next');
    this.#state = 'waiting';
    this.#poll = response;
    response.once('close', () => {
      if (this.#poll === response) {
        this.#poll = undefined;
        this.#state = 'starting';
      }
    });
    this.#onReady?.(undefined);
    this.#onReady = undefined;
  }

  /** Checks that the runtime may send a result for this request now. @throws RuntimeApiError */
  expectResult(requestId: string): void {
    if (requestId !== this.#requestId) throw new RuntimeApiError(400, 'InvalidRequestID', 'Invalid request ID');
    if (this.#state !== 'working') throw this.#wrongState('result');
  }

  /** Completes the current invocation. */
  complete(result: RuntimeResult): void {
    this.#state = 'responded';
    this.#onResult?.(result);
  }

  /** Checks that the runtime may report an init error now. @throws RuntimeApiError */
  expectInitError(): void {
    if (this.#state !== 'starting') throw this.#wrongState('init/error');
  }

  /** Records that the runtime cannot start. */
  fail(failure: RuntimeResult): void {
    this.#state = 'failed';
    this.#failure = failure;
    this.#onReady?.(failure);
  }

  #wrongState(call: string): RuntimeApiError {
    return new RuntimeApiError(403, 'InvalidStateTransition', `${call} while the runtime is ${this.#state}`);
  }
}

/** Returns a trace header. @see AWS X-Ray Developer Guide, "Tracing header" */
function makeTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  const [root, parent] = [randomBytes(12).toString('hex'), randomBytes(8).toString('hex')];
  return `Root=1-${seconds}-${root};Parent=${parent};Sampled=0`;
}
