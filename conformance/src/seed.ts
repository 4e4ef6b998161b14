import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/** Seeds are smaller than this, so that the commands that repeat a run stay short. */
const SEED_LIMIT = 2 ** 28;

/**
 * Returns the seed of a run: the given one, otherwise one derived from the commit, so that each commit tests other cases and a
 * second run of the same commit tests the same ones. Without Git the seed is random.
 *
 * @throws Error if `text` is not an integer from 0 to 2^28 - 1.
 */
export function chooseSeed(text: string | undefined, commit = currentCommit()): number {
  if (text === undefined) return commit === undefined ? randomInt(SEED_LIMIT) : Number.parseInt(commit.slice(0, 7), 16);
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed >= SEED_LIMIT) {
    throw new Error(`invalid seed ${text}: use an integer from 0 to ${SEED_LIMIT - 1}`);
  }
  return seed;
}

/** Returns the commit hash of the checkout, or undefined without Git. */
function currentCommit(): string | undefined {
  try {
    // The owner of the checkout may be another user, as in a container.
    const args = ['-c', 'safe.directory=*', 'rev-parse', 'HEAD'];
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: [...stdio] }).trim();
  } catch {
    return undefined;
  }
}

/** A random case: an image or a layer, by its number in the run of a seed. */
export interface CaseName {
  readonly kind: 'layer' | 'image';
  readonly seed: number;
  readonly number: number;
}

/** Formats the name of a case, such as `7-123` or `7-image-4`. `--replay` accepts it. */
export function formatCaseName({ kind, seed, number }: CaseName): string {
  return kind === 'image' ? `${seed}-image-${number}` : `${seed}-${number}`;
}

/**
 * Parses the name of a case.
 *
 * @throws Error if the name has another form.
 */
export function parseCaseName(name: string): CaseName {
  const [, seed, kind, number] = /^(\d+)-(image-)?(\d+)$/.exec(name) ?? [];
  if (seed === undefined || number === undefined) {
    throw new Error(`invalid case name ${name}: use SEED-NUMBER for a layer or SEED-image-NUMBER for an image`);
  }
  return { kind: kind === undefined ? 'layer' : 'image', seed: Number(seed), number: Number(number) };
}
