import { GUARDS, type ImageIndexer } from '@soci/test-content/vitest';
import { afterEach, describe, it } from 'vitest';
import { startWorkflow, type Workflow } from '../fixtures/workflow.ts';

const running: Workflow[] = [];

afterEach(async () => {
  for (const { registry } of running.splice(0)) await registry.stop();
});

/** Indexes with the generator, which gets the event of a push. */
async function start(options: object = {}): Promise<ImageIndexer> {
  const workflow = await startWorkflow({ registry: options });
  running.push(workflow);
  const { registry } = workflow;
  return {
    registry,
    canForce: false,
    async index({ tag = 'v1', version = 2, spanSize, verify, compat }) {
      const digest = registry.manifest('app', tag)?.digest;
      const [event] = registry.events.filter(({ detail }) => detail['image-digest'] === digest);
      // Like an old event without media types: the generator must read the manifest.
      const { 'manifest-media-type': _, 'artifact-media-type': __, ...detail } = event?.detail ?? {};
      const response = await workflow.generate(
        { ...event, detail: { ...detail, 'image-tag': tag } },
        {
          soci_index_version: `V${version}`,
          soci_verify_spans: verify ? '4' : '0',
          ...(spanSize !== undefined && { soci_span_size: String(spanSize) }),
          ...(compat && { soci_compat: 'soci-cli' }),
        },
      );
      return response.outcome === 'indexed' ? 'indexed' : response.reason;
    },
  };
}

describe('a guard of the generator:', () => {
  it.each(GUARDS)('$name', async (guard) => guard.run(await start(guard.registry)));
});
