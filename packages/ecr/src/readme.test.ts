import { readFileSync } from 'node:fs';
import { startTestRegistry } from '@soci/test-registry';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listTags } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example behaves as the README says', async () => {
  const registry = await startTestRegistry({ autoCreate: true });
  onTestFinished(() => registry.stop());
  registry.putManifest(
    'app',
    'v1',
    'application/vnd.oci.image.index.v1+json',
    Buffer.from('{"schemaVersion":2,"manifests":[]}'),
  );
  vi.stubEnv('HOME', '/nonexistent');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  expect(await listTags(registry.host, 'app')).toEqual(['v1']);
});
