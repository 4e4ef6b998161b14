import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** What a runtime is given to do. */
export interface RuntimeWork {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** Milliseconds that it may take. */
  readonly timeout: number;
  readonly functionArn: string;
}

/** What a runtime says of its work, or of its start. */
export type RuntimeAnswer =
  | { readonly kind: 'response'; readonly bytes: Buffer }
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string; readonly bytes: Buffer };

/** What the Runtime API refuses, with the error types of its specification. */
export class RuntimeRefusal extends Error {
  override readonly name = 'RuntimeRefusal';
  readonly status: number;
  readonly errorType: string;

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}

/**
 * Where a runtime is between its start, its work and its answers. It asks for work, gets it, answers once and asks again;
 * everything else is refused.
 */
export class RuntimeState {
  #state: 'starting' | 'waiting' | 'working' | 'answered' | 'failed' = 'starting';
  #poll: ServerResponse | undefined;
  #requestId: string | undefined;
  #failure: RuntimeAnswer | undefined;
  #onReady: ((failure: RuntimeAnswer | undefined) => void) | undefined;
  #onAnswer: ((answer: RuntimeAnswer) => void) | undefined;

  /** Resolves when the runtime waits for work, or has said why it never will. */
  untilReady(): Promise<RuntimeAnswer | undefined> {
    if (this.#state === 'waiting' || this.#state === 'failed') return Promise.resolve(this.#failure);
    return new Promise((resolve) => {
      this.#onReady = resolve;
    });
  }

  /** Gives work to a runtime that waits. Resolves when it has answered. */
  perform({ requestId, payload, timeout, functionArn }: RuntimeWork): Promise<RuntimeAnswer> {
    const poll = this.#poll;
    if (this.#state !== 'waiting' || poll === undefined) throw new Error(`a runtime that is ${this.#state} got work`);
    this.#state = 'working';
    this.#requestId = requestId;
    this.#poll = undefined;
    const answer = new Promise<RuntimeAnswer>((resolve) => {
      this.#onAnswer = resolve;
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
    return answer;
  }

  /** The runtime asks for work; it is answered when there is some. @throws RuntimeRefusal */
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

  /** Whether an answer to this request may come now. @throws RuntimeRefusal */
  expectAnswer(requestId: string): void {
    if (requestId !== this.#requestId) throw new RuntimeRefusal(400, 'InvalidRequestID', 'Invalid request ID');
    if (this.#state !== 'working') throw this.#wrongState('answer');
  }

  /** The runtime answers the request that it has. */
  answer(answer: RuntimeAnswer): void {
    this.#state = 'answered';
    this.#onAnswer?.(answer);
  }

  /** Whether the start may still fail. @throws RuntimeRefusal */
  expectFailure(): void {
    if (this.#state !== 'starting') throw this.#wrongState('init/error');
  }

  /** The runtime cannot start. */
  fail(failure: RuntimeAnswer): void {
    this.#state = 'failed';
    this.#failure = failure;
    this.#onReady?.(failure);
  }

  #wrongState(call: string): RuntimeRefusal {
    return new RuntimeRefusal(403, 'InvalidStateTransition', `${call} while the runtime is ${this.#state}`);
  }
}

/** @see AWS X-Ray Developer Guide, "Tracing header" */
function makeTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  const [root, parent] = [randomBytes(12).toString('hex'), randomBytes(8).toString('hex')];
  return `Root=1-${seconds}-${root};Parent=${parent};Sampled=0`;
}
