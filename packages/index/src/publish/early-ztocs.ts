import type { CallOptions } from '@soci/oci';
import type { CompleteZtoc } from '../options.ts';
import type { Problem } from '../verify/problem.ts';
import { spotCheckZtoc } from '../verify/spot-check.ts';
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
   * Verifies a zTOC as `proof` says, and writes it. Returns false for a recompressed layer that has to be verified: Amazon ECR
   * returns it only after a manifest refers to it.
   *
   * @throws ZtocNotProvedError; errors of the stores.
   */
  async store(
    { descriptor, content, layer, isRecompressed, origin }: CompleteZtoc,
    call: CallOptions,
  ): Promise<boolean> {
    const { source, image, proof } = this.#job;
    if (proof !== undefined && proof !== 'read-back') {
      if (isRecompressed) return false;
      const options = { spans: proof.spans, seed: sampleSeed(image), ...call };
      const { problems, spansRead } = await spotCheckZtoc(source, layer, { descriptor, content }, options);
      if (problems.length > 0) throw new ZtocNotProvedError(problems, origin);
      this.spansRead += spansRead;
    }
    await this.#writer.writeZtoc(descriptor, content, call);
    return true;
  }
}
