/**
 * `serve-test-registry.ts FOLDER LAYOUT OPTIONS`: the test registry in a process of its own, so that its work is not counted as
 * its client's; with the image of a layout as `app:v1`. Started by `test-registry.ts`, which it tells where it is.
 */
import { startTestRegistry, type TestRegistryOptions } from '@soci/test-registry';

const [folder = '', layout = '', options = '{}'] = process.argv.slice(2);
const registry = await startTestRegistry({ ...(JSON.parse(options) as TestRegistryOptions), folder });
await registry.loadLayout('app', layout, 'v1');
process.send?.(registry.host);
process.once('disconnect', () => process.exit());
