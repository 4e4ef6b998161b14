import { GUARDS, type ImageIndexer } from '@soci/test-content/vitest';
import { describe, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { testRegistries } from '../fixtures/test-registries.ts';

const startRegistry = testRegistries();

/** What the program says of what the table calls otherwise: its own codes, and one reason for all that is no image. */
const ERRORS: Readonly<Record<string, string>> = {
  ACCESS_DENIED: 'access-denied',
  LAYER_INVALID: 'image-invalid',
  SOURCE_MOVED: 'tag-moved',
  TAG_IMMUTABLE: 'tag-immutable',
  TAG_TAKEN: 'tag-taken',
  USAGE_INVALID: 'tag-too-long',
  VERIFY_FAILED: 'not-proved',
};
const NO_IMAGE = ['attestation', 'not-an-image', 'signature', 'soci-index'];

interface Answer {
  readonly outcome?: string;
  readonly reason?: string;
  readonly error?: { readonly code: string };
}

/** Indexes within a repository by `convert` and `create`. */
async function start(options: object = {}): Promise<ImageIndexer> {
  const registry = await startRegistry({ redirects: true, ...options });
  return {
    registry,
    canForce: true,
    resultsByReason: {
      ...Object.fromEntries(NO_IMAGE.map((reason) => [reason, 'no-platform'])),
      // Somebody has named it, and converting it again changes nothing but what is to be changed.
      'soci-enabled': 'indexed',
    },
    async index({ tag = 'v1', version = 2, spanSize, verify, compat, force }) {
      const image = `${registry.host}/app:${tag}`;
      const run = await runCli([
        ...(version === 2 ? ['convert'] : ['create']),
        ...['--json', '--jobs', '1', '--min-layer-size', '1000', '--retry-times', '1'],
        ...(spanSize === undefined ? [] : ['--span-size', String(spanSize)]),
        ...(verify ? ['--verify'] : []),
        ...(compat ? ['--compat', 'soci-cli'] : []),
        ...(force ? ['--force'] : []),
        image,
        ...(version === 2 ? [`${image}-soci`] : []),
      ]);
      const { outcome, reason, error } = jsonLines<Answer>(run)[0] ?? {};
      if (error !== undefined) return ERRORS[error.code] ?? error.code;
      return outcome === 'current' ? 'already-indexed' : (reason ?? outcome ?? 'nothing said');
    },
  };
}

describe('a guard of the command line:', () => {
  it.each(GUARDS)('$name', async (guard) => guard.run(await start(guard.registry)));
});
