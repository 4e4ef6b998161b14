/** `read-blob.ts HOST REPOSITORY TAG`: reads the first layer of an image and discards it. */
import { type Descriptor, readVerified } from '@soci/oci';
import { openRegistry } from '@soci/registry';

const [host = '', path = '', tag = ''] = process.argv.slice(2);
const registry = openRegistry(host);
const store = registry.repository(path);
const manifest = Buffer.from(await readVerified(store, await store.resolve(tag))).toString();
const [layer] = (JSON.parse(manifest) as { layers: readonly Descriptor[] }).layers;
if (layer === undefined) throw new Error('the image has no layer');
let size = 0;
for await (const chunk of store.fetch(layer, { reuseChunks: true })) size += chunk.length;
if (size !== layer.size) throw new Error(`read ${size} of ${layer.size} bytes`);
registry.close();
