import type { CallOptions } from '@soci/oci';
import type { CompleteZtoc } from '../options.ts';
import type { Problem } from '../verify/problem.ts';
import { checkSample, copySample, type SpanSample, sampleSpans } from '../verify/spot-check.ts';
import { type PublishJob, sampleSeed } from './job.ts';
import type { ResultWriter } from './result-writer.ts';

/** A zTOC does not match its layer. */
export class ZtocNotProvedError extends Error {
  override readonly name = 'ZtocNotProvedError';
  readonly problems: readonly Problem[];
  /** Origin of the zTOC. */
  readonly origin: CompleteZtoc['origin'];

  constructor(problems: readonly Problem[], origin: CompleteZtoc['origin']) {
    super(problems[0]?.message);
    this.problems = problems;
    this.origin = origin;
  }
}

/**
 * Verifies and writes each zTOC while other layers are read, so that the memory of a run does not grow with the number of
 * layers. Archives are written at the end, and `read-back` needs the whole index.
 */
export class EarlyZtocs {
  /** Number of spans that were read and compared. */
  spansRead = 0;
  /** Spans of recompressed layers, which are verified after the manifests are written: see `verifyRecompressed`. */
  readonly unverified: SpanSample[] = [];
  readonly #job: PublishJob;
  readonly #writer: ResultWriter;

  constructor(job: PublishJob, writer: ResultWriter) {
    this.#job = job;
    this.#writer = writer;
  }

  /** Whether zTOCs can be written before the rest of the index. */
  get isPossible(): boolean {
    const { target, proof } = this.#job;
    return !('writeImages' in target) && proof !== 'read-back';
  }

  /**
   * Verifies a zTOC as `proof` says, writes it, and frees its memory. Recompressed layers are verified later, because Amazon
   * ECR returns them only after a manifest refers to them.
   *
   * @throws ZtocNotProvedError; errors of the stores.
   */
  async store(
    { descriptor, content, layer, isRecompressed, origin }: CompleteZtoc,
    call: CallOptions,
  ): Promise<boolean> {
    const { source, image, proof } = this.#job;
    if (proof !== undefined && proof !== 'read-back') {
      const sample = sampleSpans(layer, { descriptor, content }, proof.spans, sampleSeed(image));
      if (isRecompressed) {
        this.unverified.push(copySample(sample));
      } else {
        const { problems, spansRead } = await checkSample(source, sample, call);
        if (problems.length > 0) throw new ZtocNotProvedError(problems, origin);
        this.spansRead += spansRead;
      }
    }
    await this.#writer.writeZtoc(descriptor, content, call);
    // A source of reused zTOCs may keep them.
    if (origin === 'built') releaseMemory(content);
    return true;
  }
}

/** Frees the memory of a zTOC that was written. Garbage collection would wait for several of them. */
function releaseMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
