/**
 * `serve-test-registry.ts FOLDER LAYOUT OPTIONS`: runs the test registry in a separate process, so that its CPU time is not
 * measured. Serves the image of the OCI layout LAYOUT as `app:v1`. Sends its host and port to the parent process.
 */
import { startTestRegistry, type TestRegistryOptions } from '@soci/test-registry';

const [folder = '', layout = '', options = '{}'] = process.argv.slice(2);
const registry = await startTestRegistry({ ...(JSON.parse(options) as TestRegistryOptions), folder });
await registry.loadLayout('app', layout, 'v1');
process.send?.(registry.host);
process.once('disconnect', () => process.exit());
