import { GUARDS, type ImageIndexer } from '@soci/test-content/vitest';
import { describe, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const startRegistry = useTestRegistries();

/** The reason in the table of guards for each error code of the program. */
const REASONS: Readonly<Record<string, string>> = {
  ACCESS_DENIED: 'access-denied',
  LAYER_INVALID: 'image-invalid',
  SOURCE_MOVED: 'tag-moved',
  TAG_IMMUTABLE: 'tag-immutable',
  TAG_TAKEN: 'tag-taken',
  USAGE_INVALID: 'tag-too-long',
  VERIFY_FAILED: 'not-proved',
};
/** Reasons in the table that the program reports as `no-platform`. */
const NOT_AN_IMAGE = ['attestation', 'not-an-image', 'signature', 'soci-index'];

interface IndexResult {
  readonly outcome?: string;
  readonly reason?: string;
  readonly error?: { readonly code: string };
}

/** Starts a registry, and indexes its images with `convert` and `create`. */
async function start(options: object = {}): Promise<ImageIndexer> {
  const registry = await startRegistry({ redirects: true, ...options });
  return {
    registry,
    canForce: true,
    resultsByReason: {
      ...Object.fromEntries(NOT_AN_IMAGE.map((reason) => [reason, 'no-platform'])),
      // The program converts a SOCI-enabled image again if the user names it.
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
      const { outcome, reason, error } = jsonLines<IndexResult>(run)[0] ?? {};
      if (error !== undefined) return REASONS[error.code] ?? error.code;
      return outcome === 'current' ? 'already-indexed' : (reason ?? outcome ?? 'no output');
    },
  };
}

describe('a guard of the command line:', () => {
  it.each(GUARDS)('$name', async (guard) => guard.run(await start(guard.registry)));
});
