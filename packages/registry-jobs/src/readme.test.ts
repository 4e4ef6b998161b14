import { readFileSync } from 'node:fs';
import { startTestRegistry } from '@soci/test-registry';
import { expect, onTestFinished, test } from 'vitest';
import { listMissing } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example lists the images that need an index', async () => {
  const registry = await startTestRegistry();
  onTestFinished(() => registry.stop());
  const index = Buffer.from('{"schemaVersion":2,"manifests":[]}');
  for (const tag of ['v1', 'dev']) {
    registry.putManifest('app', tag, 'application/vnd.oci.image.index.v1+json', index);
  }
  expect(await listMissing(registry.host, '*:v*')).toEqual(['app:v1: no-index']);
});
